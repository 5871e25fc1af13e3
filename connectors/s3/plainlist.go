package s3

import (
	"bytes"
	"strconv"
	"time"
)

// plainList reads a listing in the plain form in which servers send them, some twelve
// times as fast as encoding/xml: elements without attributes or prefixes, text in ASCII
// with the usual entities. ok is false for whatever else XML may hold, right or wrong:
// then decode says what it means. Where ok is true, decode would say the same.
func plainList(body []byte) (l listResult, ok bool) {
	p := plainXML{rest: bytes.TrimPrefix(body, []byte(`<?xml version="1.0" encoding="UTF-8"?>`))}
	if !p.root("ListBucketResult") {
		return l, false
	}
	l.Contents = make([]listed, 0, bytes.Count(p.rest, []byte("<Contents>")))
	ok = p.children("ListBucketResult", func(name []byte) bool {
		switch string(name) {
		case "IsTruncated":
			text, ok := p.text(name)
			l.IsTruncated = string(text) == "true"
			return ok && (l.IsTruncated || string(text) == "false")
		case "NextContinuationToken":
			return p.string(name, &l.NextContinuationToken)
		case "EncodingType":
			return p.string(name, &l.EncodingType)
		case "CommonPrefixes":
			l.CommonPrefixes = append(l.CommonPrefixes, common{})
			return p.children("CommonPrefixes", func(name []byte) bool {
				if string(name) == "Prefix" {
					return p.string(name, &l.CommonPrefixes[len(l.CommonPrefixes)-1].Prefix)
				}
				return p.skip(name, 0)
			})
		case "Contents":
			l.Contents = append(l.Contents, listed{})
			return p.listed(&l.Contents[len(l.Contents)-1])
		}
		return p.skip(name, 0)
	})
	if len(l.Contents) == 0 {
		l.Contents = nil
	}
	return l, ok
}

// listed reads one object of a listing.
func (p *plainXML) listed(o *listed) bool {
	return p.children("Contents", func(name []byte) bool {
		switch string(name) {
		case "Key":
			return p.string(name, &o.Key)
		case "ETag":
			return p.string(name, &o.ETag)
		case "Size":
			text, ok := p.text(name)
			if !ok {
				return false
			}
			n, err := strconv.ParseInt(string(text), 10, 64)
			o.Size = n
			return err == nil
		case "LastModified":
			text, ok := p.text(name)
			o.LastModified = time.Time{}
			return ok && o.LastModified.UnmarshalText(text) == nil
		}
		return p.skip(name, 0)
	})
}

// deepest is how many elements may lie in one another where plainXML skips them.
const deepest = 8

// plainXML reads elements in their plain form. Each of its methods reports whether what
// it read was in it.
type plainXML struct {
	rest    []byte
	scratch []byte // of a text with entities
}

// root reads the start of the outermost element, which may name its namespace.
func (p *plainXML) root(name string) bool {
	p.space()
	var ok bool
	if p.rest, ok = bytes.CutPrefix(p.rest, []byte("<"+name)); !ok {
		return false
	}
	if space, is := bytes.CutPrefix(p.rest, []byte(` xmlns="`)); is {
		n := 0
		for n < len(space) && space[n] > ' ' && space[n] < 0x7f && space[n] != '"' && space[n] != '<' && space[n] != '&' {
			n++
		}
		if n == 0 {
			return false
		}
		if p.rest, ok = bytes.CutPrefix(space[n:], []byte(`"`)); !ok {
			return false
		}
	}
	p.rest, ok = bytes.CutPrefix(p.rest, []byte(">"))
	return ok
}

// children calls each for the name of each element that begins before the end of the one
// that is named, and reads that end. each reads the element's own.
func (p *plainXML) children(of string, each func(name []byte) bool) bool {
	for {
		p.space()
		if len(p.rest) < 2 || p.rest[0] != '<' {
			return false
		}
		if p.rest[1] == '/' {
			return p.end(of)
		}
		n := 1
		for n < len(p.rest) && letter(p.rest[n]) {
			n++
		}
		if n == 1 || n == len(p.rest) || p.rest[n] != '>' || p.rest[1] <= '9' {
			return false
		}
		name := p.rest[1:n]
		p.rest = p.rest[n+1:]
		if !each(name) {
			return false
		}
	}
}

// skip reads the rest of an element, whatever it holds.
func (p *plainXML) skip(name []byte, depth int) bool {
	if i := bytes.IndexByte(p.rest, '<'); depth < deepest && i >= 0 && len(p.rest) > i+1 && p.rest[i+1] != '/' {
		return p.children(string(name), func(name []byte) bool { return p.skip(name, depth+1) })
	}
	_, ok := p.text(name)
	return ok
}

func (p *plainXML) string(name []byte, out *string) bool {
	text, ok := p.text(name)
	*out = string(text)
	return ok
}

// entities are those that servers write, with what stands for them.
var entities = [...]struct{ is, stands string }{{"&quot;", `"`}, {"&#34;", `"`}, {"&amp;", "&"}, {"&apos;", "'"}, {"&#39;", "'"}, {"&lt;", "<"}, {"&gt;", ">"}}

// text reads the text of an element that holds no other, and the element's end. It is
// good until the next one is read.
func (p *plainXML) text(of []byte) ([]byte, bool) {
	n, entity := 0, false
	for n < len(p.rest) && p.rest[n] != '<' {
		switch c := p.rest[n]; {
		case c == '&':
			entity = true
		case c < ' ' || c > '~' || c == '>':
			return nil, false
		}
		n++
	}
	text := p.rest[:n]
	p.rest = p.rest[n:]
	if !p.end(string(of)) {
		return nil, false
	}
	if entity {
		return p.spelled(text)
	}
	return text, true
}

// spelled is a text with what its entities stand for.
func (p *plainXML) spelled(text []byte) ([]byte, bool) {
	p.scratch = p.scratch[:0]
	for len(text) > 0 {
		n := bytes.IndexByte(text, '&')
		if n < 0 {
			n = len(text)
		}
		p.scratch, text = append(p.scratch, text[:n]...), text[n:]
		known := len(text) == 0
		for _, e := range entities {
			if rest, ok := bytes.CutPrefix(text, []byte(e.is)); ok {
				p.scratch, text, known = append(p.scratch, e.stands...), rest, true
				break
			}
		}
		if !known {
			return nil, false
		}
	}
	return p.scratch, true
}

// end reads the end of an element.
func (p *plainXML) end(of string) bool {
	n := len(of)
	if len(p.rest) < n+3 || p.rest[0] != '<' || p.rest[1] != '/' || string(p.rest[2:n+2]) != of || p.rest[n+2] != '>' {
		return false
	}
	p.rest = p.rest[n+3:]
	return true
}

func (p *plainXML) space() {
	for len(p.rest) > 0 && (p.rest[0] == ' ' || p.rest[0] == '\n' || p.rest[0] == '\t') {
		p.rest = p.rest[1:]
	}
}

func letter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' }
