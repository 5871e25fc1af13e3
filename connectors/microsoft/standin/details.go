package standin

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
)

func (t *task) detailsObject() object {
	checklist, references := object{}, object{}
	for id, c := range t.checklist {
		checklist[id] = object{"@odata.type": "#microsoft.graph.plannerChecklistItem", "isChecked": c.done, "title": c.title, "orderHint": c.hint,
			"lastModifiedDateTime": stamp(c.at), "lastModifiedBy": c.by.identity()}
	}
	for address, r := range t.references {
		references[address] = object{"@odata.type": "#microsoft.graph.plannerExternalReference", "alias": orNull(r.alias), "type": orNull(r.kind),
			"previewPriority": r.hint, "lastModifiedDateTime": stamp(r.at), "lastModifiedBy": r.by.identity()}
	}
	return object{"@odata.etag": t.details.etag(), "id": t.id, "description": t.description, "previewType": t.preview, "checklist": checklist, "references": references}
}

func (s *Server) getDetails(c *call) (answer, error) {
	t, err := s.task(c)
	if err != nil {
		return answer{}, err
	}
	return s.entity(c, http.StatusOK, "planner/tasks('"+t.id+"')/details", t.detailsObject())
}

var guidPattern = regexp.MustCompile(`^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$`)

// writeDetails reads a body's properties into t, which is new or a copy.
func (t *task) writeDetails(s *Server, c *call, p *patch) (touched []string) {
	if p.text("description", &t.description) {
		touched = append(touched, "description")
		if over(chars(t.description), s.limits.DescriptionChars) {
			p.invalid("TaskDetails", "Description", fmt.Sprintf("The length of the value is more than the maximum of %d.", s.limits.DescriptionChars))
		}
	}
	if p.choice("previewType", previews(), &t.preview) {
		touched = append(touched, "previewType")
	}
	if in := p.nested("checklist", "microsoft.graph.plannerChecklistItems"); in != nil {
		t.checklist = cloneMap(t.checklist)
		for _, id := range in.keys() {
			touched = append(touched, "checklist/"+id)
			if !guidPattern.MatchString(id) {
				// docs: plannerchecklistitems: the client provides GUIDs
				p.fail("The property '%s' of the open type 'microsoft.graph.plannerChecklistItems' is not a GUID.", id)
				continue
			}
			v := in.typed(id, "microsoft.graph.plannerChecklistItem")
			if v == nil {
				delete(t.checklist, id)
				continue
			}
			n := check{}
			if was := t.checklist[id]; was != nil {
				n = *was
			}
			v.text("title", &n.title)
			v.boolean("isChecked", &n.done)
			if over(chars(n.title), s.limits.ChecklistChars) {
				p.invalid("ChecklistItem", "Title", fmt.Sprintf("The length of the value is more than the maximum of %d.", s.limits.ChecklistChars))
			}
			if n.title == "" {
				p.invalid("ChecklistItem", "Title", "A non-null value must be specified for this field.")
			}
			s.place(p, v, "orderHint", &n.hint)
			v.readOnly("lastModifiedBy", "lastModifiedDateTime")
			if err := v.end(); err != nil && p.err == nil {
				p.err = err
			}
			n.by, n.at = c.who, s.now()
			t.checklist[id] = &n
		}
		if in.err != nil && p.err == nil {
			p.err = in.err
		}
	}
	if in := p.nested("references", "microsoft.graph.plannerExternalReferences"); in != nil {
		t.references = cloneMap(t.references)
		for _, address := range in.keys() {
			touched = append(touched, "references/"+address)
			v := in.typed(address, "microsoft.graph.plannerExternalReference")
			if in.err == nil && v == nil {
				delete(t.references, address)
				continue
			}
			if err := referenceKey(address); err != nil {
				p.fail("%s", err)
				continue
			}
			if v == nil {
				continue
			}
			n := reference{kind: "Other"}
			if was := t.references[address]; was != nil {
				n = *was
			}
			v.text("alias", &n.alias)
			v.text("type", &n.kind)
			s.place(p, v, "previewPriority", &n.hint)
			v.readOnly("lastModifiedBy", "lastModifiedDateTime")
			if err := v.end(); err != nil && p.err == nil {
				p.err = err
			}
			n.by, n.at = c.who, s.now()
			t.references[address] = &n
		}
		if in.err != nil && p.err == nil {
			p.err = in.err
		}
	}
	p.readOnly("id")
	return touched
}

// place sets an order hint if it is named or if there is none yet.
func (s *Server) place(p, in *patch, name string, into *string) {
	var hint string
	if !in.text(name, &hint) && *into != "" {
		return
	}
	v, err := s.hint(hint)
	if err != nil && p.err == nil {
		p.err = err
	}
	*into = v
}

// referenceKey holds a key against docs: plannerexternalreferences: an http or
// https address whose ".", ":", "%", "@" and "#" are percent-encoded.
func referenceKey(k string) error {
	if i := strings.IndexAny(k, ".:@#"); i >= 0 {
		return fmt.Errorf("The property name '%s' of an open type contains '%c', which must be encoded.", k, k[i])
	}
	plain, err := decodeKey(k)
	if err != nil {
		return fmt.Errorf("The property name '%s' of an open type contains '%%', which must be encoded.", k)
	}
	lower := strings.ToLower(plain)
	for _, scheme := range []string{"http://", "https://"} {
		if rest, ok := strings.CutPrefix(lower, scheme); ok && rest != "" && rest[0] != '/' {
			return nil
		}
	}
	return fmt.Errorf("The reference '%s' is not a valid URL with the HTTP or HTTPS protocol.", k)
}

// decodeKey undoes the encoding of a reference's key. A "%" stands only before
// the code of one of the five characters; everything else, "%20" of the
// address itself among it, must come as "%2520".
func decodeKey(k string) (string, error) {
	var b strings.Builder
	for i := 0; i < len(k); i++ {
		if k[i] != '%' {
			b.WriteByte(k[i])
			continue
		}
		if i+2 >= len(k) {
			return "", fmt.Errorf("cut off")
		}
		c, ok := map[string]byte{"2E": '.', "3A": ':', "25": '%', "40": '@', "23": '#'}[strings.ToUpper(k[i+1:i+3])]
		if !ok {
			return "", fmt.Errorf("another character")
		}
		b.WriteByte(c)
		i += 2
	}
	return b.String(), nil
}

func (s *Server) detailsFit(t *task) error {
	if over(len(t.checklist), s.limits.ChecklistItems) {
		return limit("MaximumChecklistItemsOnTask")
	}
	if over(len(t.references), s.limits.References) {
		return limit("MaximumReferencesOnTask")
	}
	return nil
}

func (s *Server) patchDetails(c *call) (answer, error) {
	t, err := s.task(c)
	if err != nil {
		return answer{}, err
	}
	p, n := parse(c, "microsoft.graph.plannerTaskDetails"), *t
	touched := n.writeDetails(s, c, p)
	if err := s.changed(c, &t.details, p, append(touched, "id")...); err != nil {
		return answer{}, err
	}
	if err := s.detailsFit(&n); err != nil {
		return answer{}, err
	}
	shown := n.shows() != t.shows()
	*t = n
	s.touch(&t.details, touched...)
	if shown {
		// The task shows numbers of its details, so it changes too: deleting it with
		// its older etag is a conflict (O365/python-o365#1082).
		s.touch(&t.version, "hasDescription", "referenceCount", "checklistItemCount", "activeChecklistItemCount", "previewType")
	}
	return s.updated(c, "planner/tasks('"+t.id+"')/details", t.detailsObject())
}

// shows is what the task shows of its details.
func (t *task) shows() string {
	o := t.object()
	return fmt.Sprint(o["hasDescription"], o["referenceCount"], o["checklistItemCount"], o["activeChecklistItemCount"], o["previewType"])
}
