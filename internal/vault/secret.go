package vault

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
)

// hidden is what a Secret shows of itself, whoever asks.
const hidden = "[secret]"

// A Secret is a text that must not be shown: a token, a password, a user name.
// Printed, logged or encoded it reads "[secret]"; only Reveal gives it away.
// The zero Secret is the empty text.
type Secret struct{ text string }

// NewSecret hides a text.
func NewSecret(text string) Secret { return Secret{text} }

// Reveal returns the text itself, for the one place that needs it.
func (s Secret) Reveal() string { return s.text }

// IsZero reports whether the secret is the empty text.
func (s Secret) IsZero() bool { return s.text == "" }

func (s Secret) String() string               { return hidden }
func (s Secret) GoString() string             { return hidden }
func (s Secret) Format(f fmt.State, _ rune)   { _, _ = io.WriteString(f, hidden) }
func (s Secret) LogValue() slog.Value         { return slog.StringValue(hidden) }
func (s Secret) MarshalJSON() ([]byte, error) { return json.Marshal(hidden) }
func (s Secret) MarshalText() ([]byte, error) { return []byte(hidden), nil }
