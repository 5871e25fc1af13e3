package mover

import (
	"context"
	"net/netip"
	"strings"
	"testing"

	"github.com/rialto-migrate/rialto/connector"
)

func TestReach(t *testing.T) {
	internet := Reach{}
	office := Reach{Networks: []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("fd00::/8")}, LocalPorts: []uint16{3000}}
	for _, c := range []struct {
		name  string
		reach Reach
		to    string
		plain bool
		want  string // of the refusal; "" for none
	}{
		{"a server of the internet", internet, "140.82.121.4:443", false, ""},
		{"likewise over IPv6", internet, "[2606:4700::6810:1]:443", false, ""},
		{"in the clear", internet, "140.82.121.4:80", true, "in the clear"},
		{"a private network", internet, "10.1.2.3:443", false, "--allow-network 10.1.2.3/32"},
		{"another", internet, "192.168.0.1:443", false, "is private"},
		{"another", internet, "172.31.255.255:443", false, "is private"},
		{"one of a provider's customers", internet, "100.64.0.1:443", false, "is private"},
		{"the metadata of a hosting company", internet, "169.254.169.254:80", false, "is private"},
		{"likewise over IPv6", internet, "[fd00:ec2::254]:80", false, "is private"},
		{"a link's own", internet, "[fe80::1%eth0]:443", false, "is private"},
		{"this machine", internet, "127.0.0.1:443", false, "is private"},
		{"this machine over IPv6", internet, "[::1]:443", false, "is private"},
		{"this machine by no address", internet, "0.0.0.0:443", false, "is private"},
		{"likewise over IPv6", internet, "[::]:443", false, "is private"},
		{"this machine, disguised", internet, "[::ffff:127.0.0.1]:443", false, "is private"},
		{"a private network behind NAT64", internet, "[64:ff9b::a01:203]:443", false, "is private"},
		{"all who listen", internet, "255.255.255.255:443", false, "is private"},
		{"a group", internet, "224.0.0.1:443", false, "is private"},

		{"a listed network", office, "10.1.2.3:443", false, ""},
		{"a listed network, disguised", office, "[::ffff:10.1.2.3]:443", false, ""},
		{"a listed network over IPv6", office, "[fd00::1]:443", false, ""},
		{"a listed network in the clear", office, "10.1.2.3:80", true, "in the clear"},
		{"beside a listed network", office, "10.2.0.1:443", false, "is private"},
		{"a port of this machine that is named", office, "127.0.0.1:3000", false, ""},
		{"likewise in the clear", office, "127.0.0.1:3000", true, ""},
		{"another port of this machine", office, "127.0.0.1:5432", false, "is private"},
		{"any port of this machine", Reach{LocalPorts: []uint16{0}}, "127.0.0.1:993", true, ""},
		{"any port elsewhere", Reach{LocalPorts: []uint16{0}}, "10.0.0.1:993", false, "is private"},
		{"the named port elsewhere", office, "192.168.0.1:3000", false, "is private"},
	} {
		err := c.reach.refuses(netip.MustParseAddrPort(c.to), c.plain)
		switch {
		case c.want == "" && err != nil, c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%s, %s: %v", c.name, c.to, err)
		case err != nil && connector.ClassOf(err) != connector.Permanent:
			t.Errorf("%s would be tried again: %v", c.to, err)
		}
	}
}

// A name that leads to private addresses and others is followed to the others
// alone; one that leads to private ones is refused, whatever it led to before.
func TestNamesOfPrivateAddresses(t *testing.T) {
	answers := [][]string{{"10.0.0.1", "140.82.121.4", "127.0.0.1"}, {"127.0.0.1", "10.0.0.1"}}
	d := dialer{lookup: func(context.Context, string) (out []netip.Addr, _ error) {
		for _, a := range answers[0] {
			out = append(out, netip.MustParseAddr(a))
		}
		answers = answers[1:]
		return out, nil
	}}
	first, err := d.resolve(t.Context(), "cloud.example:443")
	if err != nil {
		t.Fatal(err)
	}
	left, err := d.reach.sift(first, false)
	if err != nil || len(left) != 1 || left[0].String() != "140.82.121.4:443" {
		t.Errorf("%v, %v", left, err)
	}
	if _, err := d.dial(t.Context(), "cloud.example:443", false); connector.ClassOf(err) != connector.Permanent || !strings.Contains(err.Error(), "127.0.0.1") {
		t.Errorf("a name that changed its mind: %v", err)
	}
}
