// Package mail holds what the connectors of mail share: how folders are named, what
// marks a message, and what a header says.
package mail

import (
	"encoding/base64"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// base64m is modified base64: a comma for the slash, no padding (RFC 3501, 5.1.3).
const base64m = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,"

// DecodeName reads a folder's name as servers write it, in modified UTF-7. What is
// not well formed is taken as it stands.
func DecodeName(s string) string {
	enc := base64.NewEncoding(base64m).WithPadding(base64.NoPadding)
	var out strings.Builder
	for i := 0; i < len(s); {
		if s[i] != '&' {
			out.WriteByte(s[i])
			i++
			continue
		}
		end := strings.IndexByte(s[i:], '-')
		if end < 0 {
			return s
		}
		coded := s[i+1 : i+end]
		i += end + 1
		if coded == "" {
			out.WriteByte('&')
			continue
		}
		b, err := enc.DecodeString(coded)
		if err != nil || len(b)%2 != 0 {
			return s
		}
		units := make([]uint16, len(b)/2)
		for k := range units {
			units[k] = uint16(b[2*k])<<8 | uint16(b[2*k+1])
		}
		for _, r := range utf16.Decode(units) {
			out.WriteRune(r)
		}
	}
	if decoded := out.String(); EncodeName(decoded) == s {
		return decoded
	}
	return s // two names must not become one
}

// EncodeName writes a folder's name in modified UTF-7.
func EncodeName(s string) string {
	enc := base64.NewEncoding(base64m).WithPadding(base64.NoPadding)
	var out strings.Builder
	for i := 0; i < len(s); {
		switch c := s[i]; {
		case c == '&':
			out.WriteString("&-")
			i++
		case c >= 0x20 && c < 0x7f:
			out.WriteByte(c)
			i++
		default:
			var b []byte
			for i < len(s) && (s[i] < 0x20 || s[i] >= 0x7f) {
				r, n := utf8.DecodeRuneInString(s[i:])
				i += n
				for _, u := range utf16.AppendRune(nil, r) {
					b = append(b, byte(u>>8), byte(u))
				}
			}
			out.WriteString("&" + enc.EncodeToString(b) + "-")
		}
	}
	return out.String()
}
