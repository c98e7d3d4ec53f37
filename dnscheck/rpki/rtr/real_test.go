package rtr_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"mailvet/dnscheck/rpki"
	"mailvet/dnscheck/rpki/rtr"
)

// TestStayRTR fetches from StayRTR what was given to it in a file, in each
// version of the protocol that it can be told to speak at most.
func TestStayRTR(t *testing.T) {
	path, err := exec.LookPath("stayrtr")
	if err != nil {
		if os.Getenv("MAILVET_REAL") == "1" {
			t.Fatal("needs stayrtr")
		}
		t.Skip("needs stayrtr")
	}
	want, file := vrpFile(t)
	for _, version := range []string{"0", "1", "2"} {
		t.Run("version "+version, func(t *testing.T) {
			var b rpki.VRPBuilder
			src := fetchStayRTR(t, path, &b, "-cache", file, "-protocol", version)
			if age := time.Since(src.Generated); src.Kept != len(want) || age < -time.Second || age > time.Minute {
				t.Errorf("%+v", src)
			}
			// By default it tells version 1 to expire everything after two hours.
			if valid := src.ValidUntil.Sub(src.Generated); version != "0" && valid != 2*time.Hour || version == "0" && !src.ValidUntil.IsZero() {
				t.Errorf("valid until %s", src.ValidUntil)
			}
			if c := src.Condition(time.Now(), 0); c != rpki.Usable {
				t.Errorf("the source is %s", c)
			}
			if got := list(t, &b); !slices.Equal(got, want) {
				t.Errorf("%d VRPs come back, want %d; the first are %q and %q", len(got), len(want), got[:min(3, len(got))], want[:3])
			}
		})
	}
}

// vrpFile writes a few thousand VRPs and gives them in order.
func vrpFile(t *testing.T) (want []string, file string) {
	t.Helper()
	type roa struct {
		ASN       string `json:"asn"`
		Prefix    string `json:"prefix"`
		MaxLength int    `json:"maxLength"`
		TA        string `json:"ta"`
	}
	var roas []roa
	for i := range 3000 {
		p := netip.PrefixFrom(netip.AddrFrom16([16]byte{0x20, 0x01, 0x0d, 0xb8, byte(i >> 8), byte(i)}), 48)
		roas = append(roas, roa{rpki.ASN(64496 + i%16).String(), p.String(), 48 + i%17, "ripe"})
	}
	for i := range 256 {
		p := netip.PrefixFrom(netip.AddrFrom4([4]byte{198, 51, 100, byte(i)}), 32)
		roas = append(roas, roa{rpki.ASN(i % 3 * 65536).String(), p.String(), 32, "arin"})
	}
	now := time.Now()
	text, err := json.Marshal(map[string]any{
		"metadata": map[string]any{"counts": len(roas), "generated": now.Unix(), "valid": now.Add(time.Hour).Unix()},
		"roas":     roas,
	})
	if err != nil {
		t.Fatal(err)
	}
	file = filepath.Join(t.TempDir(), "vrps.json")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	var b rpki.VRPBuilder
	if _, err := (rpki.VRPReader{}).Read(bytes.NewReader(text), &b); err != nil {
		t.Fatal(err)
	}
	return list(t, &b), file
}

// fetchStayRTR runs StayRTR until the test ends, and fetches from it. The port
// that it is given may be taken by somebody else meanwhile: then it is given
// another.
func fetchStayRTR(t *testing.T, path string, b *rpki.VRPBuilder, args ...string) rpki.Source {
	t.Helper()
	var err error
	for range 5 {
		var free net.Listener
		if free, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			t.Fatal(err)
		}
		addr := free.Addr().String()
		free.Close()
		started := runStayRTR(t, path, append(args, "-bind", addr, "-metrics.addr", "127.0.0.1:0")...)
		for range 20 { // it says that it has started a little before it listens
			if !started {
				break
			}
			var src rpki.Source
			client := rtr.Client{Timeout: 20 * time.Second, Dial: dialPatiently}
			if src, err = client.Fetch(t.Context(), addr, b); err == nil {
				return src
			}
		}
	}
	t.Fatalf("StayRTR does not answer: %v", err)
	return rpki.Source{}
}

// dialPatiently tries again for a while if the connection is refused.
func dialPatiently(ctx context.Context, network, address string) (net.Conn, error) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for range 50 {
		conn, err := new(net.Dialer).DialContext(ctx, network, address)
		if err == nil {
			return conn, nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil, err
		}
	}
	return new(net.Dialer).DialContext(ctx, network, address)
}

// runStayRTR starts StayRTR, and waits until it says that it has data or ends.
func runStayRTR(t *testing.T, path string, args ...string) (started bool) {
	t.Helper()
	cmd := exec.Command(path, args...)
	log, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	ready, ended := make(chan bool, 1), make(chan struct{})
	go func() {
		defer close(ended)
		for lines := bufio.NewScanner(log); lines.Scan(); {
			said.WriteString(lines.Text() + "\n")
			if strings.Contains(lines.Text(), "Server started") {
				select {
				case ready <- true:
				default:
				}
			}
		}
		cmd.Wait()
	}()
	t.Cleanup(func() {
		cmd.Process.Kill()
		<-ended
		if t.Failed() {
			t.Logf("StayRTR says\n%s", said.String())
		}
	})
	select {
	case <-ready:
		return true
	case <-ended:
		return false
	}
}
