package connectortest

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"
)

// A CSDL is an OData contract (an EDMX file): Microsoft Graph's metadata. It
// holds exchanges against it: see Check, Transport and Handler.
type CSDL struct {
	namespace string // "microsoft.graph"
	types     map[string]*csdlType
	enums     map[string]*csdlEnum
	roots     map[string]csdlRef  // entity sets and singletons by name
	ops       map[string][]csdlOp // bound actions and functions by name
}

// A csdlRef is a type as a property names it.
type csdlRef struct {
	name string // without namespace, or "Edm.String"
	many bool   // a collection
}

func (r csdlRef) String() string {
	if r.many {
		return "Collection(" + r.name + ")"
	}
	return r.name
}

type csdlType struct {
	name, base string
	entity     bool
	open       bool
	props      map[string]*csdlProp
}

type csdlProp struct {
	name     string
	typ      csdlRef
	required bool // not nullable
	nav      bool
	ifMatch  bool // an update through this navigation needs If-Match
}

type csdlEnum struct {
	members map[string]bool
	flags   bool
}

type csdlOp struct {
	bound   csdlRef
	params  map[string]*csdlProp // by name in lower case: names of parameters are not case-sensitive
	returns *csdlRef
	action  bool
}

// What of the file's XML is read.
type (
	xmlEDMX struct {
		Schemas []struct {
			Namespace string      `xml:"Namespace,attr"`
			Enums     []xmlEnum   `xml:"EnumType"`
			Entities  []xmlType   `xml:"EntityType"`
			Complexes []xmlType   `xml:"ComplexType"`
			Actions   []xmlOp     `xml:"Action"`
			Functions []xmlOp     `xml:"Function"`
			Container []xmlHolder `xml:"EntityContainer"`
		} `xml:"DataServices>Schema"`
	}
	xmlEnum struct {
		Name    string `xml:"Name,attr"`
		Flags   bool   `xml:"IsFlags,attr"`
		Members []struct {
			Name string `xml:"Name,attr"`
		} `xml:"Member"`
	}
	xmlType struct {
		Name  string    `xml:"Name,attr"`
		Base  string    `xml:"BaseType,attr"`
		Open  bool      `xml:"OpenType,attr"`
		Props []xmlProp `xml:"Property"`
		Navs  []xmlProp `xml:"NavigationProperty"`
	}
	xmlProp struct {
		Name     string          `xml:"Name,attr"`
		Type     string          `xml:"Type,attr"`
		Nullable string          `xml:"Nullable,attr"`
		Notes    []xmlAnnotation `xml:"Annotation"`
	}
	xmlAnnotation struct {
		Term   string    `xml:"Term,attr"`
		Values []xmlPair `xml:"Record>PropertyValue"`
	}
	xmlPair struct {
		Property string    `xml:"Property,attr"`
		String   string    `xml:"String,attr"`
		Bool     string    `xml:"Bool,attr"`
		Records  []xmlRecs `xml:"Collection>Record"`
	}
	xmlRecs struct {
		Values []xmlPair `xml:"PropertyValue"`
	}
	xmlOp struct {
		Name    string    `xml:"Name,attr"`
		Bound   bool      `xml:"IsBound,attr"`
		Params  []xmlProp `xml:"Parameter"`
		Returns *struct {
			Type string `xml:"Type,attr"`
		} `xml:"ReturnType"`
	}
	xmlHolder struct {
		Sets []struct {
			Name string `xml:"Name,attr"`
			Type string `xml:"EntityType,attr"`
		} `xml:"EntitySet"`
		Singletons []struct {
			Name string `xml:"Name,attr"`
			Type string `xml:"Type,attr"`
		} `xml:"Singleton"`
	}
)

// ReadCSDL reads a contract.
func ReadCSDL(r io.Reader) (*CSDL, error) {
	var in xmlEDMX
	if err := xml.NewDecoder(r).Decode(&in); err != nil {
		return nil, fmt.Errorf("the contract is not an EDMX file: %w", err)
	}
	c := &CSDL{types: map[string]*csdlType{}, enums: map[string]*csdlEnum{}, roots: map[string]csdlRef{}, ops: map[string][]csdlOp{}}
	for _, s := range in.Schemas {
		c.namespace = s.Namespace
		for _, e := range s.Enums {
			n := &csdlEnum{members: map[string]bool{}, flags: e.Flags}
			for _, m := range e.Members {
				n.members[m.Name] = true
			}
			c.enums[e.Name] = n
		}
		for _, t := range s.Entities {
			c.types[t.Name] = c.newType(t, true)
		}
		for _, t := range s.Complexes {
			c.types[t.Name] = c.newType(t, false)
		}
		for _, o := range s.Actions {
			c.addOp(o, true)
		}
		for _, o := range s.Functions {
			c.addOp(o, false)
		}
		for _, h := range s.Container {
			for _, set := range h.Sets {
				c.roots[set.Name] = csdlRef{c.short(set.Type), true}
			}
			for _, one := range h.Singletons {
				c.roots[one.Name] = csdlRef{c.short(one.Type), false}
			}
		}
	}
	if len(c.roots) == 0 {
		return nil, fmt.Errorf("the contract names no entity sets: is it the metadata of Microsoft Graph?")
	}
	return c, nil
}

func (c *CSDL) short(name string) string {
	if rest, ok := strings.CutPrefix(name, "graph."); ok {
		return rest
	}
	return strings.TrimPrefix(name, c.namespace+".")
}

func (c *CSDL) ref(name string) csdlRef {
	if inner, ok := strings.CutPrefix(name, "Collection("); ok {
		return csdlRef{c.short(strings.TrimSuffix(inner, ")")), true}
	}
	return csdlRef{c.short(name), false}
}

func (c *CSDL) newType(t xmlType, entity bool) *csdlType {
	n := &csdlType{name: t.Name, base: c.short(t.Base), entity: entity, open: t.Open, props: map[string]*csdlProp{}}
	for _, p := range t.Props {
		n.props[p.Name] = c.prop(p)
	}
	for _, p := range t.Navs {
		n.props[p.Name] = c.prop(p)
		n.props[p.Name].nav = true
	}
	return n
}

func (c *CSDL) prop(p xmlProp) *csdlProp {
	n := &csdlProp{name: p.Name, typ: c.ref(p.Type), required: p.Nullable == "false"}
	for _, a := range p.Notes {
		if a.Term != "Org.OData.Capabilities.V1.UpdateRestrictions" {
			continue
		}
		for _, v := range a.Values {
			for _, header := range v.Records {
				var name, must string
				for _, part := range header.Values {
					switch part.Property {
					case "Name":
						name = part.String
					case "Required":
						must = part.Bool
					}
				}
				n.ifMatch = n.ifMatch || v.Property == "CustomHeaders" && name == "If-Match" && must == "true"
			}
		}
	}
	return n
}

func (c *CSDL) addOp(o xmlOp, action bool) {
	if !o.Bound || len(o.Params) == 0 {
		return
	}
	n := csdlOp{bound: c.ref(o.Params[0].Type), params: map[string]*csdlProp{}, action: action}
	for _, p := range o.Params[1:] {
		n.params[strings.ToLower(p.Name)] = c.prop(p)
	}
	if o.Returns != nil {
		r := c.ref(o.Returns.Type)
		n.returns = &r
	}
	c.ops[o.Name] = append(c.ops[o.Name], n)
}

// find looks a property up, in the bases too.
func (c *CSDL) find(typ, name string) *csdlProp {
	for t := c.types[typ]; t != nil; t = c.types[t.base] {
		if p := t.props[name]; p != nil {
			return p
		}
	}
	return nil
}

// is reports whether typ is base or derived from it.
func (c *CSDL) is(typ, base string) bool {
	for t := c.types[typ]; t != nil; t = c.types[t.base] {
		if t.name == base {
			return true
		}
	}
	return false
}

// op finds what is bound to a type or one of its bases.
func (c *CSDL) op(name string, on csdlRef) *csdlOp {
	for i, o := range c.ops[name] {
		if o.bound.many == on.many && c.is(on.name, o.bound.name) {
			return &c.ops[name][i]
		}
	}
	return nil
}

// A place is what a path names.
type csdlPlace struct {
	ref     csdlRef
	op      *csdlOp // an action or function was called
	links   bool    // "$ref"
	stream  bool    // bytes: "content", "$value"
	ifMatch bool    // the contract's annotation asks for it
	planner bool    // below /planner: docs ask for If-Match there
}

// resolve follows an escaped path below the API's version. It returns the
// reason if the contract does not know it.
func (c *CSDL) resolve(path string) (csdlPlace, string) {
	segs := strings.Split(strings.Trim(path, "/"), "/")
	root, ok := c.roots[segs[0]]
	if !ok {
		return csdlPlace{}, fmt.Sprintf("the contract has no entity set or singleton %q", segs[0])
	}
	at := csdlPlace{ref: root, planner: segs[0] == "planner"}
	for i := 1; i < len(segs); i++ {
		seg := segs[i]
		name := strings.TrimSuffix(seg, ":")
		if at.links || at.stream || at.op != nil {
			return at, fmt.Sprintf("nothing can follow before %q", seg)
		}
		switch {
		case name == "$ref":
			at.links = true
		case name == "$value":
			at.stream = true
		case name == "$count":
			at.ref = csdlRef{"Edm.Int32", false}
		case strings.HasPrefix(name, c.namespace+"."):
			cast := c.short(name)
			if !c.is(cast, at.ref.name) {
				return at, fmt.Sprintf("%q is no kind of %s", name, at.ref)
			}
			at.ref.name = cast
		default:
			if op := c.op(strings.TrimSuffix(name, "()"), at.ref); op != nil {
				at.op = op
				break
			}
			if at.ref.many {
				at.ref.many = false // a key
				break
			}
			p := c.find(at.ref.name, name)
			if p == nil {
				return at, fmt.Sprintf("type %s has no property, action or function %q", at.ref, name)
			}
			at.ref, at.ifMatch = p.typ, p.ifMatch
			at.stream = p.typ.name == "Edm.Stream"
		}
		// "root:/a/b:/content" names a drive's item by its path.
		if strings.HasSuffix(seg, ":") {
			// and "sites/host:/sites/team" a site (docs: site-getbypath).
			if at.ref.name != "driveItem" && at.ref.name != "site" || at.ref.many {
				return at, fmt.Sprintf("only a drive's item and a site have a path below them, %s has none", at.ref)
			}
			for i++; i < len(segs) && !strings.HasSuffix(segs[i], ":"); i++ {
			}
		}
	}
	return at, ""
}
