package planner

import (
	"strings"
	"testing"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

func connectorCursor(s string) connector.Cursor { return connector.Cursor(s) }

// Every field of every kind is kept or lost, and a loss has the vendor's reason.
func TestEveryFieldIsDeclared(t *testing.T) {
	for name, s := range map[string]connector.Settings{
		"app":    {"tenant": "t", "client-id": "a", "client-secret": "s"},
		"person": {"client-id": "a", "refresh-token": "r"},
	} {
		caps := New().Capabilities(s)
		if _, has := caps.Kinds[item.Comment]; has != (name == "person") {
			t.Errorf("%s: comments are declared: %v", name, has)
		}
		for _, info := range item.Kinds() {
			k, ok := caps.Kinds[info.Kind]
			if !ok {
				continue
			}
			if k.Batch < 1 || k.Undo == "" || k.Undo != connector.UndoExact && k.UndoWhy == "" || k.Max > 0 && k.Why == "" {
				t.Errorf("%s: %s is not fully declared", name, info.Kind)
			}
			for _, f := range info.Fields {
				_, kept := k.Fields[f.Name]
				why, lost := k.Lost[f.Name]
				if kept == lost {
					t.Errorf("%s: %s.%s is kept: %v, and lost: %v", name, info.Kind, f.Name, kept, lost)
				}
				if lost && !strings.Contains(why, "https://") {
					t.Errorf("%s: the loss of %s.%s cites no page", name, info.Kind, f.Name)
				}
			}
			for f := range k.Fields {
				if _, ok := info.Field(f); !ok {
					t.Errorf("%s: %s has no field %s", name, info.Kind, f)
				}
			}
			for f := range k.Lost {
				if _, ok := info.Field(f); !ok {
					t.Errorf("%s: %s has no field %s", name, info.Kind, f)
				}
			}
		}
	}
}

func TestOptions(t *testing.T) {
	caps := New().Capabilities(connector.Settings{"references-max": "15", "settle-delay": "90s"})
	if caps.Kinds[item.Attachment].Max != 14 || caps.SettleDelay != 90*time.Second {
		t.Errorf("attachments %d, settle delay %s", caps.Kinds[item.Attachment].Max, caps.SettleDelay)
	}
	for _, s := range []connector.Settings{{"references-max": "many"}, {"references-max": "1"}, {"settle-delay": "60"}, {"drive-wait": "-1s"}} {
		if _, err := readOptions(s); err == nil {
			t.Errorf("%v: no error", s)
		}
	}
}
