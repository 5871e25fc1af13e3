package sftp

import (
	"bytes"
	"net"
	"strings"

	"golang.org/x/crypto/ssh"

	"github.com/rialto-migrate/rialto/connector"
)

// A pin is the host key that a person said is the server's.
type pin struct {
	fingerprint string        // "SHA256:…", "" if the key itself is known
	key         ssh.PublicKey // nil if the fingerprint alone is known
}

func (p pin) missing() bool { return p.fingerprint == "" && p.key == nil }

// parsePin reads a fingerprint, a line of known_hosts, or a public key.
func parsePin(s string) (pin, error) {
	s = strings.TrimSpace(s)
	switch {
	case s == "":
		return pin{}, nil
	case strings.HasPrefix(s, "SHA256:") && !strings.ContainsAny(s, " \t\n"):
		return pin{fingerprint: strings.TrimRight(s, "=")}, nil
	}
	if key, _, _, rest, err := ssh.ParseAuthorizedKey([]byte(s)); err == nil && len(bytes.TrimSpace(rest)) == 0 {
		return pin{key: key}, nil
	}
	if marker, _, key, _, rest, err := ssh.ParseKnownHosts([]byte(s)); err == nil && marker == "" && len(bytes.TrimSpace(rest)) == 0 {
		return pin{key: key}, nil
	}
	return pin{}, connector.Errorf(connector.Permanent, "the setting %s cannot be read", setHostKey).
		WithHint("write the fingerprint as ssh-keygen -l shows it (SHA256:…), or one line of known_hosts")
}

func (p pin) matches(key ssh.PublicKey) bool {
	if p.key != nil {
		return bytes.Equal(p.key.Marshal(), key.Marshal())
	}
	return p.fingerprint == ssh.FingerprintSHA256(key)
}

// families are the kinds of host keys that are taken, the preferred one first. SHA-1
// (ssh-rsa) and DSA are not among them.
func families() [][]string {
	return [][]string{
		{ssh.KeyAlgoED25519},
		{ssh.KeyAlgoECDSA256, ssh.KeyAlgoECDSA384, ssh.KeyAlgoECDSA521},
		{ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256},
	}
}

// offers are the kinds of keys to ask for, one try after the other: a server has
// several keys, and the pinned one may be any of them.
func (p pin) offers() [][]string {
	if p.key != nil {
		for _, f := range families() {
			for _, algorithm := range f {
				if algorithm == p.key.Type() || p.key.Type() == ssh.KeyAlgoRSA && algorithm == ssh.KeyAlgoRSASHA512 {
					return [][]string{f}
				}
			}
		}
	}
	if p.missing() {
		var all []string
		for _, f := range families() {
			all = append(all, f...)
		}
		return [][]string{all}
	}
	return families()
}

// A stranger is a host key that is not the pinned one.
type stranger struct{ key ssh.PublicKey }

func (s *stranger) Error() string { return "another host key" }

func (p pin) check(_ string, _ net.Addr, key ssh.PublicKey) error {
	if p.matches(key) {
		return nil
	}
	return &stranger{key}
}

// refusal is what a person is told of a host key that is not pinned. Nothing was
// sent to the server that shows who we are.
func (p pin) refusal(key ssh.PublicKey) *connector.Error {
	print := ssh.FingerprintSHA256(key)
	if p.missing() {
		return connector.Errorf(connector.Permanent, "nobody has said yet which host key the server has; it shows %s (%s)", print, key.Type()).
			WithHint("compare it with what the server's administrator says (ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub shows it there), then connect again with " + setHostKey + "=" + print)
	}
	return connector.Errorf(connector.Permanent, "the server shows another host key than the one that the setting %s names: %s (%s)", setHostKey, print, key.Type()).
		WithHint("ask the server's administrator whether it was changed; if it was not, somebody stands between. Connect again with the new one if it is right")
}
