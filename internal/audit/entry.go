package audit

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/rialto-migrate/rialto/connector"
)

// An Outcome is what came of what an entry tells.
type Outcome string

// The outcomes.
const (
	Intended Outcome = "intended" // about to be done; another entry tells what came of it
	Done     Outcome = "done"
	Refused  Outcome = "refused" // by a rule, or by whoever was asked
	Failed   Outcome = "failed"
)

// An ActorKind is a kind of who acts.
type ActorKind string

// The kinds of actors.
const (
	Person  ActorKind = "person"
	Token   ActorKind = "token"   // one of the API, for a person
	Machine ActorKind = "service" // the service by itself: a schedule, a limit of time
	Nobody  ActorKind = "nobody"  // not signed in
)

// An Actor is who acts. ID and Person are ids, never names: a person's is in
// both, a token's owner in Person.
type Actor struct {
	Kind   ActorKind
	ID     string
	Person string
}

// ByPerson is an actor who signed in.
func ByPerson(id string) Actor { return Actor{Person, id, id} }

// ByToken is a token that acts for its owner.
func ByToken(id, owner string) Actor { return Actor{Token, id, owner} }

// ByService is the service itself.
func ByService() Actor { return Actor{Kind: Machine} }

// ByNobody is whoever did not sign in.
func ByNobody() Actor { return Actor{Kind: Nobody} }

// An Object is what something is done with: "migration", and its id.
type Object struct{ Kind, ID string }

// An Entry is one line of a log. Num and Time are given by the log.
type Entry struct {
	Num          int64     // from 1
	Time         time.Time // UTC, when it was written
	Organisation string
	Actor        Actor
	Action       string // "change roles", "sign in"
	Object       Object
	Outcome      Outcome
	Class        string // of a refusal or a failure: a word, no message
	Of           int64  // the number of the intended entry that this is the outcome of; 0 for none
	Request      string // the id of the request

	// Address is where the actor's request came from. It is sealed under the actor's
	// key, or the organisation's if the actor is no person.
	Address netip.Addr
	// Subject is the id of the person whom Details are about; "" for the actor.
	// Details are sealed under that person's key; about somebody who was erased
	// there can be none.
	Subject string
	Details map[string]string

	sealed sealed
}

// sealed is what of an entry is sealed, as it stands in the record.
type sealed struct {
	Address *sealedValue `json:"address,omitempty"`
	Details *sealedValue `json:"details,omitempty"`
}

type sealedValue struct {
	Person string `json:"person,omitempty"` // whose key it is; "" for the organisation's
	Bytes  []byte `json:"sealed"`
}

var noAddress netip.Addr

// What an entry may hold at most, in bytes.
const (
	maxField   = 300
	maxDetails = 8 << 10
	maxRecord  = 64 << 10
)

// check refuses what a log does not take.
func (e Entry) check() error {
	for _, f := range []struct {
		name, text string
		needed     bool
	}{
		{"organisation", e.Organisation, true}, {"action", e.Action, true}, {"actor's id", e.Actor.ID, e.Actor.Kind == Person || e.Actor.Kind == Token},
		{"actor's person", e.Actor.Person, e.Actor.Kind == Person}, {"object's kind", e.Object.Kind, e.Object.ID != ""}, {"object's id", e.Object.ID, false},
		{"class", e.Class, false}, {"request", e.Request, false}, {"subject", e.Subject, false},
	} {
		switch {
		case f.needed && f.text == "":
			return unfit("has no " + f.name)
		case len(f.text) > maxField:
			return unfit(fmt.Sprintf("has an %s of %d bytes; at most %d are allowed", f.name, len(f.text), maxField))
		case !utf8.ValidString(f.text):
			return unfit("has an " + f.name + " that is no UTF-8")
		}
	}
	switch e.Actor.Kind {
	case Person, Token, Machine, Nobody:
	default:
		return unfit("has no actor of a known kind")
	}
	switch e.Outcome {
	case Intended, Done, Refused, Failed:
	default:
		return unfit("has no outcome that is known")
	}
	if strings.ContainsAny(e.Organisation, "\r\n") { // it is a line of the checkpoint
		return unfit("has an organisation of two lines")
	}
	if strings.Contains(e.Object.Kind, ":") {
		return unfit("has a kind of object with a colon")
	}
	return nil
}

func unfit(why string) error { return connector.Errorf(connector.Permanent, "audit: an entry %s", why) }

// The fields that are sealed.
const (
	fieldAddress = "audit address"
	fieldDetails = "audit details"
)

// seal seals what is personal.
func (l *Log) seal(ctx context.Context, e *Entry) (err error) {
	e.sealed = sealed{}
	if e.Address.IsValid() {
		e.sealed.Address = &sealedValue{Person: e.Actor.Person}
		e.sealed.Address.Bytes, err = l.keys.Seal(ctx, e.Organisation, e.Actor.Person, fieldAddress, []byte(e.Address.String()))
		if err != nil {
			return err
		}
	}
	if len(e.Details) == 0 {
		return nil
	}
	text, err := json.Marshal(e.Details)
	if err != nil {
		return err
	}
	if len(text) > maxDetails {
		return unfit(fmt.Sprintf("has details of %d bytes; at most %d are allowed", len(text), maxDetails))
	}
	about := e.Subject
	if about == "" {
		about = e.Actor.Person
	}
	e.sealed.Details = &sealedValue{Person: about}
	e.sealed.Details.Bytes, err = l.keys.Seal(ctx, e.Organisation, about, fieldDetails, text)
	return err
}

// Open opens what is sealed in an entry that was read: Address and Details. What
// was erased stays empty, and erased says so.
func (l *Log) Open(ctx context.Context, e *Entry) (erased bool, err error) {
	for _, v := range []struct {
		field  string
		sealed *sealedValue
		into   func([]byte) error
	}{
		{fieldAddress, e.sealed.Address, func(b []byte) error { return e.Address.UnmarshalText(b) }},
		{fieldDetails, e.sealed.Details, func(b []byte) error { return json.Unmarshal(b, &e.Details) }},
	} {
		if v.sealed == nil {
			continue
		}
		value, err := l.keys.Open(ctx, e.Organisation, v.sealed.Person, v.field, v.sealed.Bytes)
		if err != nil && connector.ClassOf(err) == connector.Gone {
			erased = true
			continue
		}
		if err == nil {
			err = v.into(value)
		}
		if err != nil {
			return erased, err
		}
	}
	return erased, nil
}

// A record is an entry as it is written: one line of JSON.
type record struct {
	Num          int64     `json:"n"`
	Time         time.Time `json:"time"`
	Organisation string    `json:"organisation"`
	Actor        string    `json:"actor"`
	Person       string    `json:"person,omitempty"` // a token's owner
	Action       string    `json:"action"`
	Object       string    `json:"object,omitempty"`
	Outcome      Outcome   `json:"outcome"`
	Class        string    `json:"class,omitempty"`
	Of           int64     `json:"of,omitempty"`
	Request      string    `json:"request,omitempty"`
	sealed
}

// encode writes an entry as its record: one line of printable ASCII, whatever its
// fields hold, so that no field can end the line, look like another entry, or
// drive a terminal.
func (e Entry) encode() ([]byte, error) {
	r := record{Num: e.Num, Time: e.Time.UTC().Truncate(time.Microsecond), Organisation: e.Organisation, Actor: string(e.Actor.Kind),
		Action: e.Action, Outcome: e.Outcome, Class: e.Class, Of: e.Of, Request: e.Request, sealed: e.sealed}
	if e.Actor.ID != "" {
		r.Actor += ":" + e.Actor.ID
	}
	if e.Actor.Kind != Person {
		r.Person = e.Actor.Person
	}
	if e.Object.Kind != "" {
		r.Object = e.Object.Kind + ":" + e.Object.ID
	}
	text, err := json.Marshal(r)
	return ascii(text), err
}

// ascii escapes what of a JSON text is not printable ASCII: json.Marshal leaves
// DEL, the control characters beyond it and all writing as they are.
func ascii(text []byte) []byte {
	out := make([]byte, 0, len(text))
	for _, r := range string(text) { // invalid UTF-8 is gone: json.Marshal replaces it
		switch {
		case r < 0x7f:
			out = append(out, byte(r))
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			out = fmt.Appendf(out, `\u%04x\u%04x`, high, low)
		default:
			out = fmt.Appendf(out, `\u%04x`, r)
		}
	}
	return out
}

// decode reads a record, which must be written exactly as encode does.
func decode(text []byte) (e Entry, err error) {
	if len(text) > maxRecord {
		return e, fmt.Errorf("it has %d bytes", len(text))
	}
	var r record
	if err := json.Unmarshal(text, &r); err != nil {
		return e, fmt.Errorf("it cannot be read")
	}
	e = Entry{Num: r.Num, Time: r.Time, Organisation: r.Organisation, Action: r.Action, Outcome: r.Outcome, Class: r.Class, Of: r.Of, Request: r.Request, sealed: r.sealed}
	kind, id, _ := strings.Cut(r.Actor, ":")
	e.Actor = Actor{ActorKind(kind), id, r.Person}
	if e.Actor.Kind == Person {
		e.Actor.Person = id
	}
	e.Object.Kind, e.Object.ID, _ = strings.Cut(r.Object, ":")
	if err := e.check(); err != nil {
		return e, err
	}
	if again, err := e.encode(); err != nil || !bytes.Equal(again, text) {
		return e, fmt.Errorf("it is not written as entries are")
	}
	return e, nil
}
