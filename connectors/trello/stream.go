package trello

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
)

// Whole boards and pages of them are answers of many megabytes. They are decoded
// as they come in, an element at a time, so that no answer is held beside what
// is made of it.

// ReadJSON implements connector.StreamReader.
func (b *board) ReadJSON(r io.Reader) error {
	*b = board{}
	dec := json.NewDecoder(r)
	tok, err := dec.Token()
	if err != nil {
		return err
	}
	if tok != json.Delim('{') {
		return errors.New("the answer is no object")
	}
	var many board
	var rest bytes.Buffer // the board without what there may be much of
	rest.WriteByte('{')
	for dec.More() {
		tok, err := dec.Token()
		if err != nil {
			return err
		}
		key, _ := tok.(string)
		switch key {
		case "cards":
			err = many.Cards.read(dec)
		case "actions":
			err = many.Actions.read(dec)
		case "checklists":
			err = many.Checklists.read(dec)
		default:
			err = addMember(&rest, key, dec)
		}
		if err != nil {
			return err
		}
	}
	if err := end(dec); err != nil {
		return err
	}
	rest.WriteByte('}')
	if err := json.Unmarshal(rest.Bytes(), b); err != nil {
		return err
	}
	b.Cards = append(b.Cards, many.Cards...)
	b.Actions = append(b.Actions, many.Actions...)
	b.Checklists = append(b.Checklists, many.Checklists...)
	return nil
}

// addMember writes the next value of a decoder as a member of an object.
func addMember(to *bytes.Buffer, key string, dec *json.Decoder) error {
	var raw json.RawMessage
	if err := dec.Decode(&raw); err != nil {
		return err
	}
	name, err := json.Marshal(key)
	if err != nil {
		return err
	}
	if to.Len() > 1 {
		to.WriteByte(',')
	}
	to.Write(name)
	to.WriteByte(':')
	to.Write(raw)
	return nil
}

// end reads the delimiter that closes a value, and holds that nothing follows.
func end(dec *json.Decoder) error {
	if _, err := dec.Token(); err != nil {
		return err
	}
	return alone(dec)
}

func alone(dec *json.Decoder) error {
	if _, err := dec.Token(); err != io.EOF {
		return errors.New("something follows the answer")
	}
	return nil
}

// ReadJSON implements connector.StreamReader.
func (l *list[T]) ReadJSON(r io.Reader) error {
	dec := json.NewDecoder(r)
	if err := l.read(dec); err != nil {
		return err
	}
	return alone(dec)
}

// read takes the next value of a decoder, as UnmarshalJSON would: what is no
// array is empty, and elements of a foreign shape are left out.
func (l *list[T]) read(dec *json.Decoder) error {
	*l = nil
	tok, err := dec.Token()
	if err != nil {
		return err
	}
	switch tok {
	case json.Delim('['):
	case json.Delim('{'):
		return skipValue(dec)
	default:
		return nil
	}
	var raw json.RawMessage // its bytes are used again for each element
	for dec.More() {
		if err := dec.Decode(&raw); err != nil {
			return err
		}
		var v T
		if !bytes.Equal(raw, []byte("null")) && lenient(raw, &v) == nil {
			*l = append(*l, v)
		}
	}
	_, err = dec.Token()
	return err
}

// skipValue reads to the end of an object or array whose beginning was read.
func skipValue(dec *json.Decoder) error {
	for depth := 1; depth > 0; {
		tok, err := dec.Token()
		if err != nil {
			return err
		}
		switch tok {
		case json.Delim('{'), json.Delim('['):
			depth++
		case json.Delim('}'), json.Delim(']'):
			depth--
		}
	}
	return nil
}
