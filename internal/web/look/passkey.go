package look

import (
	"fmt"
	"strings"

	"rsc.io/qr"
)

// A Passkey is a button that asks the browser for a passkey, or has it make one,
// and posts what it answers. Without scripts the page says what else to do.
type Passkey struct {
	ID      string // unlike any other of the page
	Text    string // of the button
	Kind    string // of the button
	Makes   bool   // makes a new one
	Options string // the address that gives what the browser is asked
	Action  string // where the answer is posted to
	Hidden  []Hidden
	Without string // what to do where scripts do not run, or browsers have no passkeys
	Error   string
}

// A QR is a picture that a telephone reads.
type QR struct {
	Label string // for those who do not see it
	Side  int    // in dots, with the quiet zone around it
	Path  string // the dark dots, as an SVG path
}

// quietZone is the white around a picture, in dots (ISO/IEC 18004, 9.1).
const quietZone = 4

// NewQR draws a text.
func NewQR(label, text string) (QR, error) {
	code, err := qr.Encode(text, qr.M)
	if err != nil {
		return QR{}, fmt.Errorf("look: %w", err)
	}
	var path strings.Builder
	for y := range code.Size {
		for x := 0; x < code.Size; x++ {
			from := x
			for code.Black(x, y) {
				x++
			}
			if x > from {
				fmt.Fprintf(&path, "M%d %dh%dv1h-%dz", from+quietZone, y+quietZone, x-from, x-from)
			}
		}
	}
	return QR{Label: label, Side: code.Size + 2*quietZone, Path: path.String()}, nil
}
