package trello

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/rialto-migrate/rialto/connector/connectortest"
)

// A cassette is a recorded exchange with api.trello.com (ruby-trello's VCR).
type cassette struct {
	Interactions []struct {
		Request struct {
			Method string `yaml:"method"`
			URI    string `yaml:"uri"`
		} `yaml:"request"`
		Response struct {
			Status struct {
				Code int `yaml:"code"`
			} `yaml:"status"`
			Headers map[string][]string `yaml:"headers"`
			Body    struct {
				String yaml.Node `yaml:"string"`
			} `yaml:"body"`
		} `yaml:"response"`
	} `yaml:"http_interactions"`
}

// TestRecordedAnswersDecode decodes each recorded body into the type that this
// connector has for it, and looks for the id, so that nothing decodes to
// nothing.
func TestRecordedAnswersDecode(t *testing.T) {
	names, err := filepath.Glob(filepath.Join(connectortest.Shared(t, "data", "recorded", "ruby-trello-vcr"), "*.yml"))
	if err != nil || len(names) != 124 {
		t.Fatalf("%d cassettes, %v", len(names), err)
	}
	typed, bodies, refused := 0, 0, 0
	for _, name := range names {
		raw, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var c cassette
		if err := yaml.Unmarshal(raw, &c); err != nil {
			t.Fatal(name, err)
		}
		for _, x := range c.Interactions {
			u, err := url.Parse(x.Request.URI)
			if err != nil {
				t.Fatal(err)
			}
			body := x.Response.Body.String.Value
			if x.Response.Body.String.Tag == "!binary" || x.Response.Body.String.Tag == "!!binary" {
				plain, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(body), ""))
				if err != nil {
					t.Fatal(name, err)
				}
				body = string(plain)
			}
			body = strings.TrimSpace(body)
			if x.Response.Status.Code >= 400 {
				refused++
				if e := refuse(x.Response.Status.Code, nil, []byte(body)); e.Class == "" {
					t.Errorf("%s: no class", name)
				}
				continue
			}
			bodies++
			if !json.Valid([]byte(body)) {
				t.Errorf("%s: %s %s: not JSON", filepath.Base(name), x.Request.Method, u.Path)
				continue
			}
			v := typeOf(u.Path, strings.ToLower(x.Request.Method))
			if v == nil {
				continue
			}
			if body == "[]" || body == "{}" || body == `{"limits":{}}` {
				continue
			}
			typed++
			if err := json.Unmarshal([]byte(body), v); err != nil {
				t.Errorf("%s: %s %s: %v", filepath.Base(name), x.Request.Method, u.Path, err)
				continue
			}
			if id := idOf(v); id == "" || !strings.Contains(body, `d":"`+id+`"`) && !strings.Contains(body, `idCustomField":"`+id+`"`) {
				t.Errorf("%s: %s %s: decodes to id %q", filepath.Base(name), x.Request.Method, u.Path, id)
			}
		}
	}
	if bodies < 240 || typed < 190 || refused != 6 {
		t.Errorf("%d bodies, %d of a type of ours, %d refusals", bodies, typed, refused)
	}
}

// typeOf returns what an answer decodes into; nil for what this connector never
// asks.
func typeOf(path, method string) any {
	p := strings.Split(strings.Trim(strings.TrimPrefix(path, "/1"), "/"), "/")
	last := p[len(p)-1]
	if method == "delete" {
		return nil
	}
	switch last {
	case "cards":
		if method == "post" {
			return &card{}
		}
		return &list[card]{}
	case "boards":
		if method == "post" {
			return &board{}
		}
		return &list[board]{}
	case "lists":
		if method == "post" {
			return &column{}
		}
		return &list[column]{}
	case "labels":
		if method == "post" {
			return &label{}
		}
		return &list[label]{}
	case "checklists":
		if method == "post" {
			return &checklist{}
		}
		return &list[checklist]{}
	case "customFields":
		if method == "post" {
			return &customField{}
		}
		return &list[customField]{}
	case "actions":
		return &list[action]{}
	case "comments":
		return &action{}
	case "attachments":
		if method == "post" {
			return &attachment{}
		}
		return &list[attachment]{}
	case "checkItems":
		return &checkItem{}
	case "customFieldItems":
		return &list[customFieldItem]{}
	case "item":
		return &customFieldItem{}
	case "organizations":
		if method == "post" {
			return &organization{}
		}
		return &list[organization]{}
	case "options":
		if method == "post" {
			return &option{}
		}
		return &list[option]{}
	}
	if len(p) != 2 {
		return nil
	}
	switch p[0] {
	case "cards":
		return &card{}
	case "boards":
		return &board{}
	case "lists":
		return &column{}
	case "labels":
		return &label{}
	case "checklists":
		return &checklist{}
	case "customFields":
		return &customField{}
	case "actions":
		return &action{}
	case "members":
		return &member{}
	case "organizations":
		return &organization{}
	}
	return nil
}

func first[T any](l list[T], id func(T) text) string {
	if len(l) == 0 {
		return ""
	}
	return string(id(l[0]))
}

func idOf(v any) string {
	switch v := v.(type) {
	case *card:
		return string(v.ID)
	case *board:
		return string(v.ID)
	case *column:
		return string(v.ID)
	case *label:
		return string(v.ID)
	case *checklist:
		return string(v.ID)
	case *checkItem:
		return string(v.ID)
	case *customField:
		return string(v.ID)
	case *option:
		return string(v.ID)
	case *action:
		return string(v.ID)
	case *attachment:
		return string(v.ID)
	case *member:
		return string(v.ID)
	case *organization:
		return string(v.ID)
	case *customFieldItem:
		return string(v.Field)
	case *list[card]:
		return first(*v, func(x card) text { return x.ID })
	case *list[board]:
		return first(*v, func(x board) text { return x.ID })
	case *list[column]:
		return first(*v, func(x column) text { return x.ID })
	case *list[label]:
		return first(*v, func(x label) text { return x.ID })
	case *list[checklist]:
		return first(*v, func(x checklist) text { return x.ID })
	case *list[customField]:
		return first(*v, func(x customField) text { return x.ID })
	case *list[option]:
		return first(*v, func(x option) text { return x.ID })
	case *list[action]:
		return first(*v, func(x action) text { return x.ID })
	case *list[attachment]:
		return first(*v, func(x attachment) text { return x.ID })
	case *list[customFieldItem]:
		return first(*v, func(x customFieldItem) text { return x.Field })
	case *list[organization]:
		return first(*v, func(x organization) text { return x.ID })
	}
	return ""
}
