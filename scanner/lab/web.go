package lab

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
)

// pageText is one https section: a URL with what is served there.
type pageText struct {
	file, host, path string
	words            map[string]string
	body             string
}

var pageWords = map[string]bool{
	"status": true, "type": true, "location": true, "repeat": true, "cert": true, "fault": true, "base64": true,
}

// site is a host that serves pages.
type site struct {
	cert  tls.Certificate
	pages map[string]*page // by path, with the query
	fault string           // of the whole host
}

type page struct {
	status   int
	kind     string // content type
	location string
	body     string
	requests atomic.Int64
}

// webServer is what answers at an address, for any number of hosts: the name
// in the ClientHello chooses the certificate, as usual.
type webServer struct {
	sites map[string]*site
	first *site
}

// newSite adds the pages of one host. The words "cert" and "fault" of any of
// them are the host's.
func (l *Lab) newSite(host string, pages []pageText) (*site, error) {
	s := &site{pages: map[string]*page{}}
	var cert string
	for _, p := range pages {
		x := &page{status: http.StatusOK, kind: p.words["type"], location: p.words["location"], body: p.body}
		if n := p.words["status"]; n != "" {
			var err error
			if x.status, err = strconv.Atoi(n); err != nil || http.StatusText(x.status) == "" {
				return nil, fmt.Errorf("status %q", n)
			}
		}
		if n := p.words["repeat"]; n != "" {
			times, err := strconv.Atoi(n)
			if err != nil || times < 1 || times*len(p.body) > 4<<20 {
				return nil, fmt.Errorf("repeat %q", n)
			}
			x.body = strings.Repeat(p.body, times)
		}
		if c := p.words["cert"]; c != "" {
			cert = c
		}
		switch f := p.words["fault"]; f {
		case "":
		case "silent", "refused", "closed":
			s.fault = f
		default:
			return nil, fmt.Errorf("unknown fault %q", f)
		}
		s.pages[p.path] = x
	}
	var err error
	s.cert, err = l.issue(host, words(strings.ReplaceAll(cert, ",", " ")))
	return s, err
}

// serveWeb puts the sites at the addresses of their hosts.
func (l *Lab) serveWeb(texts []pageText) error {
	byHost := map[string][]pageText{}
	var order []string
	for _, p := range texts {
		if byHost[p.host] == nil {
			order = append(order, p.host)
		}
		byHost[p.host] = append(byHost[p.host], p)
	}
	for _, host := range order {
		pages := byHost[host]
		s, err := l.newSite(host, pages)
		if err != nil {
			return fmt.Errorf("lab: %s: https %s: %w", pages[0].file, host, err)
		}
		addrs, err := l.addresses(host)
		if err != nil {
			return err
		}
		if len(addrs) == 0 {
			return fmt.Errorf("lab: %s: the web server %s has no address", pages[0].file, host)
		}
		for _, a := range addrs {
			w := l.net.web[a]
			if w == nil {
				w = &webServer{sites: map[string]*site{}, first: s}
				l.net.web[a] = w
			}
			w.sites[host] = s
		}
		l.sites[host] = s
	}
	return nil
}

// Requests is how often a page was asked for.
func (l *Lab) Requests(host, path string) int {
	if s := l.sites[host]; s != nil && s.pages[path] != nil {
		return int(s.pages[path].requests.Load())
	}
	return 0
}

// refuses reports whether nobody listens, as far as a client can see.
func (w *webServer) refuses() bool { return w.first.fault == "refused" }

func (w *webServer) silent() bool { return w.first.fault == "silent" }

// serve answers one request over a connection, which it closes.
func (w *webServer) serve(ctx context.Context, raw net.Conn) {
	defer raw.Close()
	chosen := w.first
	conn := tls.Server(raw, &tls.Config{
		MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"},
		GetCertificate: func(h *tls.ClientHelloInfo) (*tls.Certificate, error) {
			if s := w.sites[h.ServerName]; s != nil {
				chosen = s
			}
			return &chosen.cert, nil
		},
	})
	if conn.HandshakeContext(ctx) != nil {
		return
	}
	defer conn.Close()
	req, err := http.ReadRequest(bufio.NewReader(conn))
	if err != nil || chosen.fault == "closed" {
		return
	}
	host, _, _ := strings.Cut(req.Host, ":")
	p := &page{status: http.StatusNotFound, kind: "text/plain", body: "nothing here\n"}
	if s := w.sites[host]; s != nil && s.pages[req.URL.RequestURI()] != nil {
		p = s.pages[req.URL.RequestURI()]
	}
	p.requests.Add(1)
	var b strings.Builder
	fmt.Fprintf(&b, "HTTP/1.1 %d %s\r\nConnection: close\r\nContent-Length: %d\r\n", p.status, http.StatusText(p.status), len(p.body))
	if p.kind != "" {
		fmt.Fprintf(&b, "Content-Type: %s\r\n", p.kind)
	}
	if p.location != "" {
		fmt.Fprintf(&b, "Location: %s\r\n", p.location)
	}
	// Whoever has read enough closes the connection: that is no error here.
	_, _ = conn.Write([]byte(b.String() + "\r\n" + p.body))
}

// pageHead reads the words of an https section after its kind: "HOST PATH
// [KEY=VALUE]...".
func pageHead(file string, w []string, body string) (pageText, error) {
	if len(w) < 2 || !strings.HasPrefix(w[1], "/") {
		return pageText{}, fmt.Errorf("want a host and a path")
	}
	p := pageText{file: file, host: w[0], path: w[1], words: map[string]string{}, body: body}
	for _, x := range w[2:] {
		k, v, _ := strings.Cut(x, "=")
		if !pageWords[k] {
			return pageText{}, fmt.Errorf("unknown word %q", x)
		}
		p.words[k] = v
	}
	if _, ok := p.words["base64"]; ok {
		data, err := base64.StdEncoding.DecodeString(body) // line ends are ignored
		if err != nil {
			return pageText{}, fmt.Errorf("the body: %w", err)
		}
		p.body = string(data)
	}
	return p, nil
}

// webAddrs lists the addresses whose web servers take connections.
func (l *Lab) webAddrs() []netip.Addr {
	return slices.DeleteFunc(sortedAddrs(l.net.web), func(a netip.Addr) bool {
		w := l.net.web[a]
		return w.refuses() || w.silent()
	})
}
