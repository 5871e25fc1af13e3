package smb

import (
	"encoding/binary"
	"io"
	"net"
	"sync/atomic"

	"github.com/rialto-migrate/rialto/connector"
)

// A sealed connection lets nothing pass in the clear but what signs in, names a share
// and keeps the connection alive: whether a session or a share is encrypted is for the
// server to say ([MS-SMB2] 3.2.5.3, 3.2.5.5), and one that does not is told no path
// and given no byte. What comes in the clear after that is not believed: it may be
// anybody's.
type sealed struct {
	net.Conn
	bare atomic.Bool // something would have gone out in the clear

	out   []byte // what is about to be written, its length first
	begun bool   // its length is there

	in      []byte // of the message that is being read: its length and its head, looked at already
	pending int    // bytes of it that are still to be read
}

const (
	// lengthBytes come before each message, and tell how long it is ([MS-SMB2] 2.1).
	lengthBytes = 4
	// headBytes are the first ones of a message, that tell what it is: the protocol's
	// id, the command, and whether another one follows ([MS-SMB2] 2.2.1.2).
	headBytes = 24
)

// allowed tells whether a message may pass: one that is encrypted, or one of those
// that go before.
func allowed(head []byte) bool {
	switch {
	case len(head) < headBytes:
		return false
	case string(head[:4]) == "\xfdSMB": // SMB2 TRANSFORM_HEADER, 2.2.41
		return true
	case string(head[:4]) != "\xfeSMB" || binary.LittleEndian.Uint32(head[20:]) != 0:
		return false
	}
	switch binary.LittleEndian.Uint16(head[12:]) {
	case 0, 1, 2, 3, 4, 12, 13: // NEGOTIATE, SESSION_SETUP, LOGOFF, TREE_CONNECT, TREE_DISCONNECT, CANCEL, ECHO
		return true
	}
	return false
}

// Write takes the length of a message, and with its next call the message, as the
// library writes them. Both go out as one.
func (s *sealed) Write(p []byte) (int, error) {
	if !s.begun && len(p) == lengthBytes {
		s.out, s.begun = append(s.out[:0], p...), true
		return len(p), nil
	}
	if !s.begun || int(binary.BigEndian.Uint32(s.out)) != len(p) {
		return 0, io.ErrShortWrite
	}
	s.begun = false
	if !allowed(p) {
		s.bare.Store(true)
		s.Close()
		return 0, net.ErrClosed
	}
	s.out = append(s.out, p...)
	n, err := s.Conn.Write(s.out)
	return max(0, n-lengthBytes), err
}

// Read looks at the head of each message before any of it is given out.
func (s *sealed) Read(p []byte) (int, error) {
	if len(s.in) == 0 && s.pending == 0 {
		if err := s.begin(); err != nil {
			return 0, err
		}
	}
	if len(s.in) > 0 {
		n := copy(p, s.in)
		s.in = s.in[n:]
		return n, nil
	}
	n, err := s.Conn.Read(p[:min(len(p), s.pending)])
	s.pending -= n
	return n, err
}

// begin reads the head of the next message.
func (s *sealed) begin() error {
	head := make([]byte, lengthBytes+headBytes)
	if _, err := io.ReadFull(s.Conn, head[:lengthBytes]); err != nil {
		return err
	}
	size := int(binary.BigEndian.Uint32(head)) // more than 24 bits are refused by the library
	n := min(size, headBytes)
	head = head[:lengthBytes+n]
	if _, err := io.ReadFull(s.Conn, head[lengthBytes:]); err != nil {
		return err
	}
	if !allowed(head[lengthBytes:]) {
		s.Close()
		return net.ErrClosed
	}
	s.in, s.pending = head, size-n
	return nil
}

func notEncrypted() *connector.Error {
	return connector.Errorf(connector.Permanent, "the server does not encrypt this share: nothing was sent in the clear").
		WithHint("have its administrator turn encryption on: Set-SmbShare -Name SHARE -EncryptData $true, or for the whole server Set-SmbServerConfiguration -EncryptData $true, " +
			"on Windows; server smb encrypt = required in Samba's smb.conf. A guest's session is never encrypted: the account's name must be one that the server knows")
}
