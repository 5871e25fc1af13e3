package connectortest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A GraphExchange is one request and its answer. Bodies are JSON or empty.
type GraphExchange struct {
	Method         string
	Path           string // escaped, below the version: "/planner/tasks/ID"
	Query          url.Values
	RequestHeader  http.Header
	RequestBody    []byte
	Status         int
	ResponseHeader http.Header
	ResponseBody   []byte
}

// A checker collects what is wrong with one exchange.
type csdlChecker struct {
	c       *CSDL
	said    []string
	refused bool
}

func (k *csdlChecker) say(where, format string, args ...any) {
	k.said = append(k.said, where+": "+fmt.Sprintf(format, args...))
}

// Check holds an exchange against the contract and returns what is wrong,
// each with where it is: names, types, nullability, unknown properties, and
// If-Match. An open entity type (a user, a group) is held to its declared
// properties all the same: what a connector sends there is a mistake. The texts
// hold no values, only names of properties and types.
func (c *CSDL) Check(x GraphExchange) []string { return c.check(x, false) }

// check lets a request that was answered with 4xx pass unread if refused is
// set, so that the tests of a stand-in can send what it must refuse.
func (c *CSDL) check(x GraphExchange, refused bool) []string {
	k := &csdlChecker{c: c, refused: refused}
	if strings.Trim(x.Path, "/") == "$batch" {
		k.batch(x)
		return k.said
	}
	unread := refused && x.Status >= 400
	at, wrong := c.resolve(x.Path)
	if wrong != "" {
		if !unread {
			k.say("path", "%s", wrong)
		}
		return k.said
	}
	if !unread {
		k.request(x, at)
	}
	k.response(x, at)
	return k.said
}

func (k *csdlChecker) request(x GraphExchange, at csdlPlace) {
	// The contract annotates updates; planner-overview asks for the header in
	// PATCH and DELETE of every Planner resource.
	changes := x.Method == http.MethodPatch || x.Method == http.MethodPut || x.Method == http.MethodDelete
	if changes && !at.stream && x.RequestHeader.Get("If-Match") == "" && (at.ifMatch || at.planner) {
		k.say("request header", "%s of %s needs If-Match", x.Method, at.ref)
	}
	k.query(x, at)
	// A message comes as MIME, too: https://learn.microsoft.com/en-us/graph/api/mailfolder-post-messages
	mime := at.ref == csdlRef{"message", true} && x.RequestHeader.Get("Content-Type") == "text/plain"
	if at.stream || mime || len(x.RequestBody) == 0 {
		if x.Method == http.MethodPatch && !at.stream {
			k.say("request", "PATCH has no body")
		}
		return
	}
	v, err := decodeExact(x.RequestBody)
	if err != nil {
		k.say("request", "the body is not JSON: %v", err)
		return
	}
	o, ok := v.(map[string]any)
	if !ok {
		k.say("request", "the body is not an object")
		return
	}
	switch {
	case x.Method == http.MethodGet || x.Method == http.MethodDelete:
		k.say("request", "%s has a body", x.Method)
	case at.links:
		if s, ok := o["@odata.id"].(string); !ok || s == "" || len(o) != 1 {
			k.say("request", "a reference is {\"@odata.id\": address} alone")
		}
	case at.op != nil:
		k.parameters(o, at.op)
	case x.Method == http.MethodPost && !at.ref.many:
		k.say("request", "POST goes to a collection or an action, %s is neither", at.ref)
	default:
		k.object("request", o, at.ref.name, mode{request: true, patch: x.Method == http.MethodPatch})
	}
}

func (k *csdlChecker) parameters(o map[string]any, op *csdlOp) {
	for _, name := range sortedNames(o) {
		p := op.params[strings.ToLower(name)]
		if p == nil && name == "deferCommit" && op.returns != nil && op.returns.name == "uploadSession" {
			// docs: driveitem-createuploadsession; the metadata lacks it.
			k.value("request."+name, o[name], csdlRef{"Edm.Boolean", false}, true, mode{request: true})
			continue
		}
		if p == nil {
			k.say("request."+name, "the action has no such parameter")
			continue
		}
		k.value("request."+name, o[name], p.typ, p.required, mode{request: true})
	}
	for _, p := range op.params {
		found := false
		for name := range o {
			found = found || strings.EqualFold(name, p.name)
		}
		if p.required && !found {
			k.say("request."+p.name, "the action needs this parameter")
		}
	}
}

// query looks at $select, $expand and $orderby: their names must be known.
func (k *csdlChecker) query(x GraphExchange, at csdlPlace) {
	if at.op != nil || at.stream || at.links {
		return
	}
	for _, option := range []string{"$select", "$expand", "$orderby"} {
		for part := range strings.SplitSeq(x.Query.Get(option), ",") {
			name, _, _ := strings.Cut(strings.TrimSpace(part), " ")
			name, _, _ = strings.Cut(name, "(")
			name, _, _ = strings.Cut(name, "/")
			if name == "" || strings.HasPrefix(name, "@") || k.known(at.ref.name, name) {
				continue
			}
			k.say("request "+option, "type %s has no property %q", at.ref.name, name)
		}
	}
}

// known looks in derived types too: /groups/ID/members lists directory objects
// and selects what users have.
func (k *csdlChecker) known(typ, name string) bool {
	if k.c.find(typ, name) != nil {
		return true
	}
	for other, t := range k.c.types {
		if t.props[name] != nil && k.c.is(other, typ) {
			return true
		}
	}
	return false
}

func (k *csdlChecker) response(x GraphExchange, at csdlPlace) {
	if x.Status >= 400 {
		k.refusal(x)
		return
	}
	empty := len(bytes.TrimSpace(x.ResponseBody)) == 0
	switch {
	case at.stream && x.Method == http.MethodGet, x.Status >= 300:
		return
	case x.Status == http.StatusNoContent || x.Status == http.StatusAccepted && at.op != nil && at.op.returns == nil:
		if !empty {
			k.say("response", "%d has a body", x.Status)
		}
		return
	case empty:
		k.say("response", "%d has no body", x.Status)
		return
	}
	v, err := decodeExact(x.ResponseBody)
	if err != nil {
		k.say("response", "the body is not JSON: %v", err)
		return
	}
	o, ok := v.(map[string]any)
	if !ok {
		k.say("response", "the body is not an object")
		return
	}
	want := at.ref
	switch {
	case at.stream:
		want = csdlRef{"driveItem", false} // PUT content
	case at.op != nil:
		if at.op.returns == nil {
			k.say("response", "the action returns nothing")
			return
		}
		want = *at.op.returns
	case x.Method != http.MethodGet:
		want.many = false
	}
	m := mode{}
	if s := x.Query.Get("$select"); s != "" && x.Method == http.MethodGet {
		m.selected = strings.Split(strings.ReplaceAll(s, " ", ""), ",")
	}
	for part := range strings.SplitSeq(x.Query.Get("$expand"), ",") {
		name, _, _ := strings.Cut(strings.TrimSpace(part), "(")
		m.expanded = append(m.expanded, name)
	}
	if !want.many {
		k.object("response", o, want.name, m)
		return
	}
	list, ok := o["value"].([]any)
	if !ok {
		k.say("response.value", "a collection has its members in an array value")
		return
	}
	for _, name := range sortedNames(o) {
		if name != "value" && !strings.HasPrefix(name, "@odata.") {
			k.say("response."+name, "a collection has no such property")
		}
	}
	if next, ok := o["@odata.nextLink"]; ok {
		if s, _ := next.(string); !strings.HasPrefix(s, "http") {
			k.say("response.@odata.nextLink", "is not an absolute address")
		}
	}
	for i, member := range list {
		k.value(fmt.Sprintf("response.value[%d]", i), member, csdlRef{want.name, false}, true, m)
	}
}

// refusal: {"error":{"code","message","innerError"}} (docs: errors).
func (k *csdlChecker) refusal(x GraphExchange) {
	if !strings.Contains(x.ResponseHeader.Get("Content-Type"), "json") {
		return // a proxy's page, not Graph's answer
	}
	var in struct {
		Error map[string]any `json:"error"`
	}
	if err := json.Unmarshal(x.ResponseBody, &in); err != nil || in.Error == nil {
		k.say("response", "%d has no error object", x.Status)
		return
	}
	for _, need := range []string{"code", "message"} {
		if _, ok := in.Error[need].(string); !ok {
			k.say("response.error."+need, "is not a text")
		}
	}
	for _, name := range sortedNames(in.Error) {
		if !slices.Contains([]string{"code", "message", "innerError", "innererror", "details", "target"}, name) {
			k.say("response.error."+name, "an error has no such property")
		}
	}
}

type mode struct {
	request  bool
	patch    bool // only what changes
	nested   bool
	selected []string
	expanded []string
}

func (m mode) within() mode { return mode{request: m.request, nested: true} }

func (k *csdlChecker) object(where string, o map[string]any, typ string, m mode) {
	c := k.c
	if told, ok := o["@odata.type"]; ok {
		s, isText := told.(string)
		name := c.short(strings.TrimPrefix(s, "#"))
		switch {
		case !isText || c.types[name] == nil:
			k.say(where+".@odata.type", "is no type of the contract")
			return
		case !c.is(name, typ):
			k.say(where+".@odata.type", "%s is no kind of %s", name, typ)
			return
		}
		typ = name
	}
	t := c.types[typ]
	if t == nil {
		k.say(where, "the contract has no type %s", typ)
		return
	}
	for _, name := range sortedNames(o) {
		at := where + "." + name
		if prop, note, ok := strings.Cut(name, "@"); ok {
			k.annotation(at, prop, note, typ, m)
			continue
		}
		p := c.find(typ, name)
		switch {
		case p == nil && !t.entity && k.open(t):
			k.dynamic(at, name, o[name], typ, m)
		case p == nil:
			k.say(at, "type %s has no such property", typ)
		case p.nav && m.request && m.patch && p.typ.name != "singleValueLegacyExtendedProperty":
			// Extended properties are: https://learn.microsoft.com/en-us/graph/api/singlevaluelegacyextendedproperty-post-singlevalueextendedproperties
			k.say(at, "a navigation property cannot be patched with its owner")
		case p.nav && !m.request && !slices.Contains(m.expanded, name):
			k.say(at, "a navigation property comes only when it is expanded")
		case len(m.selected) > 0 && !slices.Contains(m.selected, name) && !slices.Contains(m.expanded, name):
			k.say(at, "was not selected")
		default:
			k.value(at, o[name], p.typ, p.required, m.within())
		}
	}
	if t.entity && !m.request && !m.nested && len(m.selected) == 0 {
		if id, ok := o["id"].(string); !ok || id == "" {
			k.say(where+".id", "an entity has an id")
		}
	}
}

// open looks in the bases too.
func (k *csdlChecker) open(t *csdlType) bool {
	for ; t != nil; t = k.c.types[t.base] {
		if t.open {
			return true
		}
	}
	return false
}

// annotation: "@odata.etag", "members@odata.bind", "@microsoft.graph.downloadUrl".
func (k *csdlChecker) annotation(where, prop, note, typ string, m mode) {
	if !strings.HasPrefix(note, "odata.") && !strings.HasPrefix(note, "microsoft.graph.") {
		k.say(where, "is no annotation of OData or Graph")
		return
	}
	if prop == "" {
		return
	}
	p := k.c.find(typ, prop)
	switch {
	case p == nil:
		k.say(where, "type %s has no property %q", typ, prop)
	case note == "odata.bind" && (!p.nav || !m.request):
		k.say(where, "only navigation properties of a request are bound")
	}
}

// plannerValues are what Planner's open types hold under names of the client's
// choice: types alone are not in the contract (docs: plannerassignments,
// plannerchecklistitems, plannerexternalreferences, plannerappliedcategories,
// plannerorderhintsbyassignee, planneruserids).
func plannerValues(open string) (csdlRef, bool) {
	name, ok := map[string]string{
		"plannerAssignments": "plannerAssignment", "plannerChecklistItems": "plannerChecklistItem", "plannerExternalReferences": "plannerExternalReference",
		"plannerAppliedCategories": "Edm.Boolean", "plannerOrderHintsByAssignee": "Edm.String", "plannerUserIds": "Edm.Boolean",
	}[open]
	return csdlRef{name, false}, ok
}

// dynamic is a property that an open type has by the client's choice.
func (k *csdlChecker) dynamic(where, name string, v any, typ string, m mode) {
	if strings.ContainsAny(name, ".:@#") || badPercent.MatchString(name) {
		// OData JSON Format 4.01, section 4.5: "." and ":" and "@" mean something
		// else; docs: plannerexternalreferences has the full list and the encoding.
		k.say(where, "a dynamic property's name holds a character that must be encoded")
	}
	o, isObject := v.(map[string]any)
	want, planned := plannerValues(typ)
	switch {
	case v == nil:
		if !m.request {
			k.say(where, "a dynamic property of an answer is null")
		}
	case isObject:
		told, _ := o["@odata.type"].(string)
		name := k.c.short(strings.TrimPrefix(told, "#"))
		if told == "" && planned {
			k.say(where, "an object in an open type needs its @odata.type")
		}
		if planned {
			if told != "" && name != want.name {
				k.say(where+".@odata.type", "%s is not %s", name, want.name)
				return
			}
			k.object(where, o, want.name, m.within())
		} else if told != "" {
			k.object(where, o, name, m.within())
		}
	case planned:
		k.value(where, v, want, true, m.within())
	}
}

// badPercent is a "%" that does not begin an encoded character.
var badPercent = regexp.MustCompile(`%(?:[^0-9A-Fa-f]|.[^0-9A-Fa-f]|.?$)`)

func (k *csdlChecker) value(where string, v any, typ csdlRef, required bool, m mode) {
	if v == nil {
		if required || typ.many {
			k.say(where, "is null, but %s is not nullable", typ)
		}
		return
	}
	if typ.many {
		list, ok := v.([]any)
		if !ok {
			k.say(where, "is %s where the contract has %s", jsonKind(v), typ)
			return
		}
		for i, member := range list {
			k.value(fmt.Sprintf("%s[%d]", where, i), member, csdlRef{typ.name, false}, true, m)
		}
		return
	}
	if e := k.c.enums[typ.name]; e != nil {
		s, ok := v.(string)
		names := []string{s}
		if e.flags {
			names = strings.Split(s, ",")
		}
		for _, n := range names {
			if !ok || !e.members[strings.TrimSpace(n)] {
				k.say(where, "is no member of enumeration %s", typ)
			}
		}
		return
	}
	if !strings.HasPrefix(typ.name, "Edm.") {
		o, ok := v.(map[string]any)
		if !ok {
			k.say(where, "is %s where the contract has %s", jsonKind(v), typ)
			return
		}
		k.object(where, o, typ.name, m)
		return
	}
	if !primitive(v, typ.name) {
		k.say(where, "is %s where the contract has %s", jsonKind(v), typ)
	}
}

var (
	guidText     = regexp.MustCompile(`^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$`)
	durationText = regexp.MustCompile(`^-?P(\d+D)?(T(\d+H)?(\d+M)?(\d+(\.\d+)?S)?)?$`)
	dateText     = regexp.MustCompile(`^-?\d{4,}-\d{2}-\d{2}$`)
	clockText    = regexp.MustCompile(`^\d{2}:\d{2}(:\d{2}(\.\d{1,12})?)?$`)
)

func primitive(v any, typ string) bool {
	s, isText := v.(string)
	n, isNumber := v.(json.Number)
	whole := func(bits int) bool {
		_, err := strconv.ParseInt(string(n), 10, bits)
		return isNumber && err == nil
	}
	switch typ {
	case "Edm.String":
		return isText
	case "Edm.Boolean":
		_, ok := v.(bool)
		return ok
	case "Edm.Int16":
		return whole(16)
	case "Edm.Int32":
		return whole(32)
	case "Edm.Int64":
		return whole(64)
	case "Edm.Double", "Edm.Single", "Edm.Decimal":
		return isNumber || s == "INF" || s == "-INF" || s == "NaN"
	case "Edm.DateTimeOffset":
		_, err := time.Parse(time.RFC3339Nano, s)
		return isText && err == nil
	case "Edm.Date":
		return dateText.MatchString(s)
	case "Edm.TimeOfDay":
		return clockText.MatchString(s)
	case "Edm.Duration":
		return durationText.MatchString(s)
	case "Edm.Guid":
		return guidText.MatchString(s)
	case "Edm.Binary", "Edm.Stream":
		return isText
	}
	return false
}

// batch holds each part against the contract, as an exchange of its own.
func (k *csdlChecker) batch(x GraphExchange) {
	type part struct {
		ID        string            `json:"id"`
		Method    string            `json:"method"`
		URL       string            `json:"url"`
		Status    int               `json:"status"`
		Headers   map[string]string `json:"headers"`
		Body      json.RawMessage   `json:"body"`
		DependsOn []string          `json:"dependsOn"`
	}
	var in struct {
		Requests []part `json:"requests"`
	}
	dec := json.NewDecoder(bytes.NewReader(x.RequestBody))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&in); err != nil && !(k.refused && x.Status >= 400) {
		k.say("request", "is no batch (docs: json-batching)")
		return
	}
	if x.Status >= 400 {
		k.refusal(x)
		return
	}
	var out struct {
		Responses []part `json:"responses"`
	}
	if err := json.Unmarshal(x.ResponseBody, &out); err != nil {
		k.say("response", "is no answer to a batch")
		return
	}
	answers := map[string]part{}
	for _, a := range out.Responses {
		if _, twice := answers[a.ID]; twice {
			k.say("response", "a part is answered twice")
		}
		answers[a.ID] = a
	}
	if len(in.Requests) > 20 {
		k.say("request.requests", "are %d, a batch holds 20", len(in.Requests))
	}
	for i, q := range in.Requests {
		where := fmt.Sprintf("part %d %s", i, q.Method)
		a, ok := answers[q.ID]
		if !ok {
			k.say(where, "has no answer")
			continue
		}
		if len(q.Body) > 0 && header(q.Headers).Get("Content-Type") == "" {
			k.say(where, "has a body, so it needs a Content-Type")
		}
		path, query, _ := strings.Cut(q.URL, "?")
		values, err := url.ParseQuery(query)
		if err != nil {
			k.say(where, "the query cannot be read")
		}
		for _, said := range k.c.check(GraphExchange{Method: q.Method, Path: path, Query: values, RequestHeader: header(q.Headers), RequestBody: q.Body,
			Status: a.Status, ResponseHeader: header(a.Headers), ResponseBody: a.Body}, k.refused) {
			k.say(where, "%s", said)
		}
	}
}

func header(in map[string]string) http.Header {
	h := http.Header{}
	for name, v := range in {
		h.Set(name, v)
	}
	return h
}

// decodeExact decodes one JSON value, numbers as they are written.
func decodeExact(b []byte) (any, error) {
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, err
	}
	if dec.More() {
		return nil, fmt.Errorf("something follows the value")
	}
	return v, nil
}

func jsonKind(v any) string {
	switch v.(type) {
	case string:
		return "a text"
	case json.Number:
		return "a number"
	case bool:
		return "true or false"
	case []any:
		return "an array"
	case map[string]any:
		return "an object"
	}
	return "null"
}

func sortedNames(o map[string]any) []string {
	names := make([]string, 0, len(o))
	for n := range o {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}
