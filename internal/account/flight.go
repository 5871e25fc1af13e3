package account

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"time"

	"github.com/rialto-migrate/rialto/internal/store"
	"github.com/rialto-migrate/rialto/internal/vault"
)

// FlightWithin is how long what was begun may take: a question to a passkey, the setting up of
// one-time passwords, the way to another provider of sign-ins and back.
const FlightWithin = 10 * time.Minute

// A flight is what is between two requests of one browser. It travels in a cookie,
// sealed under a key of the service, so that every process can go on with it and
// nobody else can read or alter it.
type flight struct {
	Until time.Time
	Body  json.RawMessage
}

var errLanded = &Refusal{"", "this took too long, or was begun in another window: try once more"}

func (a *Accounts) flightKey(ctx context.Context) (*vault.Root, error) {
	key, err := a.Store.ServiceKey(ctx, "flights")
	if err != nil {
		return nil, err
	}
	return vault.NewRoot(key)
}

// Seal seals what is to be known at the next request of a browser; kind tells what it is
// for, and to whom: it opens under the same kind alone, for FlightWithin.
func (a *Accounts) Seal(ctx context.Context, kind string, body any) (string, error) {
	root, err := a.flightKey(ctx)
	if err != nil {
		return "", err
	}
	text, err := json.Marshal(body)
	if err != nil {
		return "", err
	}
	text, err = json.Marshal(flight{Until: a.Now().Add(FlightWithin), Body: text})
	if err != nil {
		return "", err
	}
	sealed, err := root.Encrypt(text, []byte("rialto flight\x00"+kind))
	return base64.RawURLEncoding.EncodeToString(sealed), err
}

// Unseal opens what Seal sealed. What has ended, was altered or is of another kind is a
// Refusal.
func (a *Accounts) Unseal(ctx context.Context, kind, sealed string, body any) error {
	root, err := a.flightKey(ctx)
	if err != nil {
		return err
	}
	b, err := base64.RawURLEncoding.DecodeString(sealed)
	if err != nil || len(b) == 0 {
		return errLanded
	}
	text, err := root.Decrypt(b, []byte("rialto flight\x00"+kind))
	if err != nil {
		return errLanded
	}
	var f flight
	if err := json.Unmarshal(text, &f); err != nil || a.Now().After(f.Until) {
		return errLanded
	}
	return json.Unmarshal(f.Body, body)
}

// spend notes that a challenge was answered: it serves once, in every process.
func (a *Accounts) spend(ctx context.Context, person, challenge string) error {
	hash := hashOf("challenge\x00" + challenge)
	if _, err := a.Store.Errand(ctx, hash); err == nil {
		return errLanded
	} else if !gone(err) {
		return err
	}
	// Each is of a kind of its own, as an errand replaces those of its kind.
	kind := "answered " + base64.RawURLEncoding.EncodeToString(hash)
	return a.Store.AddErrand(ctx, store.Errand{TokenHash: hash, Person: person, Kind: kind, Expires: a.Now().Add(FlightWithin + time.Minute)})
}
