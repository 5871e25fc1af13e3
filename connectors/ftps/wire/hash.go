package wire

import (
	"slices"
	"strings"
	"time"
)

// Algorithms are those that a server hashes files by, the ones that are known here: the
// best first.
func algorithms() []string { return []string{"sha256", "sha1", "md5"} }

// commands are what asks for a hash of the whole file where HASH is not offered.
func commands() map[string]string {
	return map[string]string{"sha256": "XSHA256", "sha1": "XSHA1", "md5": "XMD5"}
}

// Hashes is the algorithm by which Hash asks, "" where the server hashes nothing: the one
// that HASH has chosen (draft-bryan-ftpext-hash-02, 3.2), or the best of the commands that
// servers have of their own.
func (c *Conn) Hashes() string {
	if chosen := c.chosen(); chosen != "" {
		return chosen
	}
	for _, a := range algorithms() {
		if c.Has(commands()[a]) {
			return a
		}
	}
	return ""
}

// chosen is the algorithm that stands with an asterisk in what FEAT tells of HASH.
func (c *Conn) chosen() string {
	for name := range strings.SplitSeq(c.Features["HASH"], ";") {
		if name, chosen := strings.CutSuffix(strings.TrimSpace(name), "*"); chosen {
			if a := strings.ReplaceAll(strings.ToLower(name), "-", ""); slices.Contains(algorithms(), a) {
				return a
			}
		}
	}
	return ""
}

// Hash has the server hash a whole file, by the algorithm of Hashes, in hexadecimal and
// lower case. within is how long it may take.
func (c *Conn) Hash(path string, within time.Duration) (string, error) {
	command, algorithm := "HASH", c.chosen()
	if algorithm == "" {
		algorithm = c.Hashes()
		command = commands()[algorithm]
	}
	if err := c.send(command, path); err != nil {
		return "", err
	}
	r, err := c.replyWithin(within)
	if err != nil {
		return "", err
	}
	if r.Code != 213 && r.Code != 250 && r.Code != 200 {
		return "", r.refusal()
	}
	digits := map[string]int{"sha256": 64, "sha1": 40, "md5": 32}[algorithm]
	for word := range strings.FieldsSeq(r.Text) { // HASH: algorithm, range, hash, path
		if w := strings.ToLower(word); len(w) == digits && strings.Trim(w, "0123456789abcdef") == "" {
			return w, nil
		}
	}
	return "", errMalformed
}
