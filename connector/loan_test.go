package connector

import (
	"errors"
	"io"
	"strings"
	"testing"
)

// What was lent is read by one at a time, and by nobody but its owner once it is back.
func TestLoan(t *testing.T) {
	text := strings.Repeat("bytes ", 10_000)
	in := strings.NewReader(text)
	lent := Lend(in)
	taken := make(chan string)
	began := make(chan struct{})
	go func() {
		var all []byte
		for p := make([]byte, 7); ; {
			n, err := lent.Read(p)
			if all = append(all, p[:n]...); err != nil {
				if !errors.Is(err, io.ErrClosedPipe) && err != io.EOF {
					t.Error(err)
				}
				taken <- string(all)
				return
			}
			if len(all) == 7 {
				close(began)
			}
		}
	}()
	<-began
	lent.Return()
	rest, err := io.ReadAll(in)
	if err != nil {
		t.Fatal(err)
	}
	if first := <-taken; first+string(rest) != text {
		t.Errorf("of %d bytes, %d and %d were read", len(text), len(first), len(rest))
	}
}
