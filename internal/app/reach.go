package app

import (
	"cmp"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"github.com/rialto-migrate/rialto/internal/job"
	"github.com/rialto-migrate/rialto/internal/mover"
)

// reach is where the mover of a job may connect to: the internet, the networks
// that the operator lists, and, where whoever names them runs this machine, the
// servers on it that the settings of its connections name.
func (a *App) reach(spec job.Spec) mover.Reach {
	r := mover.Reach{Networks: a.Networks}
	if a.Hosted {
		return r
	}
	for _, end := range []job.End{spec.From, spec.To} {
		for _, value := range end.Settings {
			if port, ok := localServer(value); ok {
				r.LocalPorts = append(r.LocalPorts, port)
			}
		}
	}
	return r
}

// localServer reads the address of a server on this machine out of a setting: a
// URL, host:port or a host alone, which is localhost or a loopback address in
// figures. Port 0 stands for all, where the setting does not say which, and for FTP,
// whose data connections go to ports that the server picks (RFC 2428, 3).
func localServer(value string) (port uint16, ok bool) {
	host, text, err := net.SplitHostPort(value)
	if err != nil {
		host, text = strings.Trim(value, "[]"), "0"
	}
	if u, err := url.Parse(value); err == nil && u.Host != "" {
		host, text = u.Hostname(), u.Port()
		switch {
		case u.Scheme == "ftps":
			text = "0"
		case text == "":
			text = map[string]string{"http": "80", "https": "443", "sftp": "22", "smb": "445"}[u.Scheme]
		}
	}
	if addr, err := netip.ParseAddr(host); host != "localhost" && !strings.HasSuffix(host, ".localhost") && (err != nil || !addr.IsLoopback()) {
		return 0, false
	}
	n, err := strconv.ParseUint(cmp.Or(text, "0"), 10, 16)
	return uint16(n), err == nil
}

// ParseNetworks reads a list of networks like "10.0.0.0/8, fd00::/8". An
// address stands for itself alone.
func ParseNetworks(list ...string) (out []netip.Prefix, err error) {
	for _, text := range strings.FieldsFunc(strings.Join(list, ","), func(r rune) bool { return r == ',' || r == ' ' }) {
		network, bad := netip.ParsePrefix(text)
		if bad != nil {
			addr, err := netip.ParseAddr(text)
			if err != nil {
				return nil, fmt.Errorf("%q is no network; write it like 10.0.0.0/8 or fd00::/8, or as one address", text)
			}
			network = netip.PrefixFrom(addr, addr.BitLen())
		}
		out = append(out, network.Masked())
	}
	return out, nil
}
