package lab

import (
	"crypto/tls"
	"fmt"
	"strconv"
	"strings"

	"mailvet/smtpcheck/smtptest"
)

// addServer builds a mail server from its section.
func (l *Lab) addServer(h hostText) error {
	server := &smtptest.Server{Name: h.name, Script: map[smtptest.Step]smtptest.Reply{}}
	cert, err := l.issue(h.name, words(h.values["cert"]))
	if err != nil {
		return err
	}
	if _, ok := l.certs[h.name]; !ok {
		l.certs[h.name] = cert
	}
	if h.values["starttls"] != "no" {
		certs := []tls.Certificate{cert}
		if also := h.values["also"]; also != "" {
			second, err := l.issue(h.name, words(also))
			if err != nil {
				return err
			}
			certs = append(certs, second)
		}
		server.TLS = smtptest.Config(certs...)
		if h.values["tls"] == "1.2" {
			server.TLS.MaxVersion = tls.VersionTLS12
		}
		if server.Model, err = modelOf(h.values); err != nil {
			return err
		}
	}
	if e := h.values["extensions"]; e != "" {
		server.Extensions = strings.Split(e, ",")
	}
	if n := h.values["limit"]; n != "" {
		if _, err := fmt.Sscanf(n, "%d", &server.PerMinute); err != nil {
			return fmt.Errorf("limit %q: %w", n, err)
		}
	}
	if name := h.values["name"]; name != "" {
		server.Name = name
	}
	if err := script(server, h.values); err != nil {
		return err
	}
	l.servers[h.key()] = server
	return nil
}

var leftovers = map[string]smtptest.Leftover{
	"": smtptest.LeftoverToTLS, "tls": smtptest.LeftoverToTLS, "dropped": smtptest.LeftoverDropped, "obeyed": smtptest.LeftoverObeyed,
	"refused": smtptest.LeftoverRefused, "answered": smtptest.LeftoverAnswered,
}

// script is what a server does otherwise than a good one.
func script(server *smtptest.Server, values map[string]string) error {
	for key, step := range map[string]smtptest.Step{"banner": smtptest.Banner, "ehlo": smtptest.EHLO, "starttls": smtptest.STARTTLS, "handshake": smtptest.Handshake} {
		var r smtptest.Reply
		switch text := strings.ReplaceAll(values[key], "|", "\n"); {
		case text == "" || key == "starttls" && text == "no":
			continue
		case text == "silent":
			r.Silent = true
		case text == "close":
			r.Silent, r.Close = true, true
		case text == "reset":
			r.Silent, r.Reset = true, true
		case step == smtptest.Handshake:
			r.Inject, r.Close = text+"\r\n", true
		default:
			r.Text, r.Close = text, step == smtptest.Banner && strings.HasPrefix(text, "4")
		}
		server.Script[step] = r
	}
	if text := values["inject"]; text != "" {
		r := server.Script[smtptest.STARTTLS]
		r.Inject = text + "\r\n"
		server.Script[smtptest.STARTTLS] = r
	}
	var ok bool
	if server.Leftover, ok = leftovers[values["leftover"]]; !ok {
		return fmt.Errorf("leftover %q", values["leftover"])
	}
	return nil
}

var keyKinds = map[string]smtptest.Key{
	"": smtptest.P256, "p256": smtptest.P256, "p384": smtptest.P384, "ed25519": smtptest.Ed25519,
	"rsa1024": smtptest.RSA1024, "rsa2048": smtptest.RSA2048, "rsa3072": smtptest.RSA3072,
}

var chainForms = map[string]smtptest.Form{
	"incomplete": smtptest.LeafOnly, "with-root": smtptest.WithRoot, "wrong-order": smtptest.WrongOrder,
	"unrelated": smtptest.Unrelated, "extra": smtptest.Extra, "unparseable": smtptest.Unparseable,
}

// issue makes the certificate of a host from its words.
func (l *Lab) issue(host string, w map[string]string) (tls.Certificate, error) {
	leaf := smtptest.Leaf{Names: []string{host}, Seed: host + "/" + w["seed"]}
	number := func(text string) int {
		n, err := strconv.Atoi(text)
		if err != nil {
			return 0
		}
		return n
	}
	for k, v := range w {
		form, isForm := chainForms[k]
		switch {
		case isForm:
			leaf.Form = form
		case k == "expired":
			leaf.Expired = true
		case k == "future":
			leaf.NotBefore, leaf.NotAfter = l.opts.Now.AddDate(0, 0, 2), l.opts.Now.AddDate(0, 0, 90)
		case k == "days" && number(v) > 0:
			leaf.NotAfter = l.opts.Now.AddDate(0, 0, number(v))
		case k == "life" && number(v) > 30:
			leaf.NotAfter = l.opts.Now.AddDate(0, 0, number(v)-30)
		case k == "self-signed":
			leaf.SelfSigned = true
		case k == "sha1":
			leaf.SHA1 = true
		case k == "sha224":
			leaf.SHA224 = true
		case k == "pss":
			leaf.PSS = true
		case k == "must-staple":
			leaf.MustStaple = true
		case k == "scts" && number(v) > 0:
			leaf.SCTs = number(v)
		case k == "nameless":
			leaf.Nameless = true
		case k == "names":
			leaf.Names = []string{v}
		case k == "seed":
			if strings.Contains(v, ".") { // the key of another host
				leaf.Seed = v + "/"
			}
		case k == "key":
			kind, ok := keyKinds[v]
			if !ok {
				return tls.Certificate{}, fmt.Errorf("unknown key %q", v)
			}
			leaf.Key = kind
		default:
			return tls.Certificate{}, fmt.Errorf("cert: unknown word %q", k)
		}
	}
	return l.ca.Issue(leaf), nil
}
