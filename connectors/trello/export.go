package trello

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"io"
	"slices"

	"github.com/rialto-migrate/rialto/connector"
)

// decodeExport reads a board's JSON export (Trello: Menu, Print and export,
// Export as JSON). It is decoded as it streams, one card or action at a time;
// of the history only what is carried is kept. What cannot be a board's export,
// and one that was cut off, is Malformed, with what to do about it.
//
// An id that stands twice with the same contents is kept once and noted; with
// differing contents the export is refused, because nobody can say which holds.
func decodeExport(r io.Reader) (board, error) {
	d := exportDecoder{seen: map[string][sha256.Size]byte{}, rest: map[string]json.RawMessage{}}
	d.json = json.NewDecoder(skipBOM(r))
	if err := d.run(); err != nil {
		return board{}, err
	}
	return d.board, nil
}

type exportDecoder struct {
	json  *json.Decoder
	board board
	seen  map[string][sha256.Size]byte
	rest  map[string]json.RawMessage
	notes []string
	// history says that there are actions which are not carried: moves, renames.
	history bool
}

// skipBOM leaves away the mark that some editors put before UTF-8.
func skipBOM(r io.Reader) io.Reader {
	head := make([]byte, 3)
	n, _ := io.ReadFull(r, head)
	head = bytes.TrimPrefix(head[:n], []byte("\ufeff"))
	return io.MultiReader(bytes.NewReader(head), r)
}

func (d *exportDecoder) run() error {
	tok, err := d.json.Token()
	if err != nil {
		return broken(err)
	}
	if tok != json.Delim('{') {
		return foreign()
	}
	for d.json.More() {
		tok, err := d.json.Token()
		if err != nil {
			return broken(err)
		}
		key, _ := tok.(string)
		if err := d.member(key); err != nil {
			return err
		}
	}
	if _, err := d.json.Token(); err != nil {
		return broken(err)
	}
	return d.finish()
}

// member decodes one member of the export.
func (d *exportDecoder) member(key string) error {
	b := &d.board
	switch key {
	case "cards":
		return elements(d, key, func(c card, repeated bool) {
			if !repeated {
				b.Cards = append(b.Cards, c)
			}
		})
	case "actions":
		return elements(d, key, func(a action, repeated bool) {
			switch {
			case repeated:
			case a.comment() || a.birth() || a.Type == "addAttachmentToCard":
				b.Actions = append(b.Actions, a)
			default:
				d.history = true
			}
		})
	case "lists":
		return elements(d, key, func(c column, repeated bool) {
			if !repeated {
				b.Lists = append(b.Lists, c)
			}
		})
	case "labels":
		return elements(d, key, func(l label, repeated bool) {
			if !repeated {
				b.Labels = append(b.Labels, l)
			}
		})
	case "checklists":
		return elements(d, key, func(l checklist, repeated bool) {
			if !repeated {
				b.Checklists = append(b.Checklists, l)
			}
		})
	case "members":
		return elements(d, key, func(m member, repeated bool) {
			if !repeated {
				b.Members = append(b.Members, m)
			}
		})
	case "customFields":
		return elements(d, key, func(f customField, repeated bool) {
			if !repeated {
				b.CustomFields = append(b.CustomFields, f)
			}
		})
	}
	var raw json.RawMessage
	if err := d.json.Decode(&raw); err != nil {
		return broken(err)
	}
	d.rest[key] = raw
	return nil
}

// elements decodes an array of objects; what is no array is taken for empty.
func elements[T any](d *exportDecoder, key string, each func(v T, repeated bool)) error {
	tok, err := d.json.Token()
	if err != nil {
		return broken(err)
	}
	switch tok {
	case json.Delim('['):
	case json.Delim('{'):
		if err := skipValue(d.json); err != nil {
			return broken(err)
		}
		return nil
	default:
		return nil
	}
	for d.json.More() {
		var raw json.RawMessage
		if err := d.json.Decode(&raw); err != nil {
			return broken(err)
		}
		var v T
		if len(raw) == 0 || raw[0] != '{' || lenient(raw, &v) != nil {
			continue
		}
		repeated, err := d.repeated(key, raw)
		if err != nil {
			return err
		}
		each(v, repeated)
	}
	if _, err := d.json.Token(); err != nil {
		return broken(err)
	}
	return nil
}

// repeated reports whether an object with this id and these contents came
// before; one with other contents is an error.
func (d *exportDecoder) repeated(key string, raw []byte) (bool, error) {
	var head struct {
		ID text `json:"id"`
	}
	if lenient(raw, &head) != nil || head.ID == "" {
		return false, nil
	}
	sum := sha256.Sum256(canonical(raw))
	at := key + " " + string(head.ID)
	before, twice := d.seen[at]
	if !twice {
		d.seen[at] = sum
		return false, nil
	}
	if before != sum {
		return true, connector.Errorf(connector.Malformed, "the export holds the id %s twice under %q, with different contents", fieldName(string(head.ID)), key).
			WithHint("it was edited or joined from two exports; download it again")
	}
	d.notes = append(d.notes, key+".repeated")
	return true, nil
}

// canonical drops insignificant spaces and the order of keys.
func canonical(raw []byte) []byte {
	var v any
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	if dec.Decode(&v) != nil {
		return raw
	}
	out, err := json.Marshal(v)
	if err != nil {
		return raw
	}
	return out
}

// finish reads what is left beside the lists, and judges the whole.
func (d *exportDecoder) finish() error {
	raw, err := json.Marshal(d.rest)
	if err != nil {
		return broken(err)
	}
	var head board
	if err := json.Unmarshal(raw, &head); err != nil {
		return broken(err)
	}
	b := d.board
	head.Cards, head.Actions, head.Lists, head.Labels = b.Cards, b.Actions, b.Lists, b.Labels
	head.Checklists, head.Members, head.CustomFields = b.Checklists, b.Members, b.CustomFields
	if head.ID == "" || len(head.Lists) == 0 && len(head.Cards) == 0 && head.Name == "" {
		return foreign()
	}
	if d.history {
		d.notes = append(d.notes, "history")
	}
	slices.Sort(d.notes)
	head.strays = append(head.strays, slices.Compact(d.notes)...)
	d.board = head
	return nil
}

func foreign() error {
	return connector.Errorf(connector.Malformed, "the file is not the JSON export of a Trello board").
		WithHint("export the board again: in Trello choose Menu, Print and export, Export as JSON")
}

// broken says what is wrong with a file that is not whole JSON.
func broken(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return connector.Errorf(connector.Malformed, "the export ends in the middle").WithHint("download it again")
	}
	if _, ok := errors.AsType[*json.SyntaxError](err); ok {
		return foreign()
	}
	return &connector.Error{Class: connector.Permanent, Reason: "the export cannot be read", Hint: "check the file and its rights", Err: err}
}

// decodeComments reads a dump of comment actions: an array as GET
// /boards/{id}/actions answers it, or an object that holds one as "actions".
func decodeComments(r io.Reader) ([]action, error) {
	var raw json.RawMessage
	if err := json.NewDecoder(skipBOM(r)).Decode(&raw); err != nil {
		var e *connector.Error
		if errors.As(broken(err), &e) && e.Class == connector.Malformed {
			return nil, connector.Errorf(connector.Malformed, "the comments file ends in the middle or is not JSON").WithHint("download it again")
		}
		return nil, broken(err)
	}
	var all list[action]
	if raw[0] == '{' {
		var wrapped struct {
			Actions list[action] `json:"actions"`
		}
		_ = lenient(raw, &wrapped)
		all = wrapped.Actions
	} else if err := json.Unmarshal(raw, &all); err != nil {
		return nil, broken(err)
	}
	kept := all[:0]
	for _, a := range all {
		if a.comment() || a.birth() {
			kept = append(kept, a)
		}
	}
	if len(kept) == 0 && len(raw) > 2 {
		return nil, connector.Errorf(connector.Malformed, "the comments file holds no comments").
			WithHint("it must be what GET /boards/{id}/actions?filter=commentCard answers")
	}
	return kept, nil
}

// joinActions adds to the export's actions those that it lacks. Of a comment
// that both have, the one that was edited last holds.
func joinActions(have, more []action) []action {
	at := map[text]int{}
	for i, a := range have {
		at[a.ID] = i
	}
	for _, a := range more {
		i, known := at[a.ID]
		switch {
		case !known:
			at[a.ID] = len(have)
			have = append(have, a)
		case a.Data.v.Edited.After(have[i].Data.v.Edited.Time):
			have[i] = a
		}
	}
	return have
}
