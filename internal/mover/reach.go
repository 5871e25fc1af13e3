package mover

import (
	"net/netip"
	"slices"

	"code.dny.dev/ssrf"

	"github.com/rialto-migrate/rialto/connector"
)

// A Reach is where a mover may connect to. The zero Reach is the internet: no
// private network, no metadata service of a hosting company, not this machine.
type Reach struct {
	// Networks are others that the operator lists.
	Networks []netip.Prefix
	// LocalPorts are the ports of this machine's own loopback addresses that the
	// settings of a connection name: stand-ins, and servers beside us. 0 is all.
	LocalPorts []uint16
}

// refuses returns why a connection to this address is refused; nil if it is not.
// plain is set for one that carries content in the clear.
func (r Reach) refuses(to netip.AddrPort, plain bool) error {
	addr := to.Addr().Unmap().WithZone("")
	if plain && !addr.IsLoopback() {
		return connector.Errorf(connector.Permanent, "the server would be talked to in the clear, over a network").
			WithHint("write https in the connection's url setting")
	}
	if slices.ContainsFunc(r.Networks, func(n netip.Prefix) bool { return n.Contains(addr) }) {
		return nil
	}
	if addr.IsLoopback() && (slices.Contains(r.LocalPorts, to.Port()) || slices.Contains(r.LocalPorts, 0)) {
		return nil
	}
	// The special purpose registries of IANA: private and link-local networks,
	// loopback, addresses of other addresses.
	if ssrf.New(ssrf.WithAnyPort(), ssrf.WithAnyNetwork()).SafeAddr(addr) != nil {
		return connector.Errorf(connector.Permanent, "the server's address %s is private, and not among the networks that may be reached", addr).
			WithHint("if it is yours, list its network: --allow-network " + netip.PrefixFrom(addr, addr.BitLen()).String())
	}
	return nil
}

// sift leaves of the addresses of a host those that may be reached; if none may,
// it returns why the first may not.
func (r Reach) sift(targets []netip.AddrPort, plain bool) (left []netip.AddrPort, err error) {
	for _, t := range targets {
		if why := r.refuses(t, plain); why == nil {
			left = append(left, t)
		} else if err == nil {
			err = why
		}
	}
	if len(left) > 0 {
		return left, nil
	}
	return nil, err
}
