package web

import (
	"errors"
	"fmt"
	"strings"

	"github.com/rialto-migrate/rialto/internal/account"
	"github.com/rialto-migrate/rialto/internal/app"
	"github.com/rialto-migrate/rialto/internal/migrate"
	"github.com/rialto-migrate/rialto/internal/web/look"
)

// policiesStep chooses what becomes of what the target cannot hold as the source
// has it.
func policiesStep() step {
	return step{path: "policies", title: "Policies", lead: "What becomes of what the target cannot hold as the source has it.",
		form: func(v *visit, m app.Plan) (f planForm, err error) {
			for _, name := range migrate.PolicyNames() {
				said := policyWords()[name]
				c := look.Choices{Name: "policy-" + name, Legend: orNone(said.title, name)}
				for _, choice := range migrate.PolicyChoices(name) {
					words := said.choices[choice]
					c.Options = append(c.Options, look.Choice{Value: choice, Title: orNone(words[0], choice), Text: words[1], Chosen: v.was(c.Name, m.File.Policies.Get(name)) == choice})
				}
				f.form.Fields = append(f.form.Fields, c)
			}
			return f, nil
		},
		take: func(v *visit, f *migrate.File) error {
			for _, name := range migrate.PolicyNames() {
				if choice := v.typed("policy-" + name); choice != "" {
					if err := f.Policies.Set(name, choice); err != nil {
						return &account.Refusal{Field: "policy-" + name, Reason: err.Error()}
					}
				}
			}
			return nil
		}}
}

// A policyWord is a policy in plain words: its title, and for each choice a title
// and a sentence.
type policyWord struct {
	title   string
	choices map[string][2]string
}

func policyWords() map[string]policyWord {
	return map[string]policyWord{
		"archived": {"What was archived", map[string][2]string{
			"plan": {"Into a place of its own", "Archived items go into a container beside the one that is used."}, "bucket": {"Into a list of its own", "Archived items go into a list of their container."},
			"skip": {"Stays behind", "Archived items are not moved."}}},
		"board-description": {"The text that describes a board", map[string][2]string{
			"task": {"Becomes a task", "The text stands in a task of its own."}, "drop": {"Is left out", "The text is not moved."}}},
		"conflict": {"When both sides changed", map[string][2]string{
			"target": {"The target wins", "What somebody wrote at the target stays."}, "source": {"The source wins", "What somebody wrote at the source replaces it."},
			"newest": {"The newer one wins", "Whatever was written last stays."}}},
		"deletions": {"What is deleted at the source", map[string][2]string{
			"keep": {"Stays at the target", "A later run deletes nothing."}, "delete": {"Is deleted there, too", "A later run deletes what it had moved."}}},
		"extra-assignee": {"More people than the target takes", map[string][2]string{
			"name-in-text": {"Their names are written down", "Who does not fit stands in the text."}, "drop": {"Are left out", "Only the first ones are assigned."}}},
		"formatting": {"Formatted text", map[string][2]string{
			"convert": {"Is converted", "Bold, lists and links look at the target as they did."}, "keep": {"Stays as it is", "The source's own marks stand in the text."}}},
		"large-attachment": {"Files that are too large", map[string][2]string{
			"link": {"Become a link", "A link leads to the file at the source."}, "drop": {"Are left out", "The file is not moved."}}},
		"notify": {"How people are told", map[string][2]string{
			"all": {"As it happens", "The target tells people of what is written, as it always does."}, "last": {"In one last step", "Nobody is told before you say so."},
			"none": {"Not at all", "What would tell somebody is left out."}}},
		"second-checklist": {"A second checklist", map[string][2]string{
			"append": {"Is added to the first", "Its entries follow those of the first."}, "text": {"Becomes text", "Its entries stand in the text."}, "drop": {"Is left out", "Only the first one is moved."}}},
	}
}

// hoursStep says when how much may be asked of the clouds.
func hoursStep() step {
	return step{path: "hours", title: "Working hours", lead: "When a run goes slower, so that people at work notice nothing.",
		form: func(v *visit, m app.Plan) (f planForm, err error) {
			t := migrate.TextOfPace(m.File.Pace)
			var lines []string
			for _, w := range t.Windows {
				lines = append(lines, w[0]+" = "+w[1])
			}
			f.form.Fields = []any{
				look.Field{Name: "zone", Label: "Time zone", Value: v.was("zone", m.File.Timezone), Optional: true, Hint: "As Europe/Oslo. Left empty, it is UTC.", MaxLength: 60},
				look.Field{Name: "windows", Label: "Hours with a share of their own", Kind: look.Long, Rows: 5, Mono: true, Optional: true, Value: v.was("windows", strings.Join(lines, "\n")),
					Hint: "One a line, as “Mon-Fri 08:00-18:00 = 30%”: the share of the clouds' quota that is used then. 0% waits."},
				look.Field{Name: "else", Label: "At all other hours", Short: true, Value: v.was("else", t.Else)},
				look.Field{Name: "requests", Label: "Most requests to a cloud", Short: true, Optional: true, Value: v.was("requests", t.Requests), Hint: "As 5/s, 100/min or 1000/h."},
				look.Field{Name: "bytes", Label: "Most bytes", Short: true, Optional: true, Value: v.was("bytes", t.Bytes), Hint: "As 2MB/s or 16Mbit/s."},
			}
			return f, nil
		},
		take: func(v *visit, f *migrate.File) (err error) {
			t := migrate.PaceText{Else: strings.TrimSpace(v.typed("else")), Requests: strings.TrimSpace(v.typed("requests")), Bytes: strings.TrimSpace(v.typed("bytes"))}
			for i, line := range strings.Split(strings.ReplaceAll(v.typed("windows"), "\r", ""), "\n") {
				if strings.TrimSpace(line) == "" {
					continue
				}
				when, share, ok := strings.Cut(line, "=")
				if !ok {
					return &account.Refusal{Field: "windows", Reason: fmt.Sprintf("line %d has no share; write it as Mon-Fri 08:00-18:00 = 30%%", i+1)}
				}
				t.Windows = append(t.Windows, [2]string{strings.TrimSpace(when), strings.TrimSpace(share)})
			}
			f.Timezone = strings.TrimSpace(v.typed("zone"))
			f.Pace = nil
			if err := f.Validate(); err != nil {
				return &account.Refusal{Field: "zone", Reason: err.Error()}
			}
			if f.Pace, err = t.Pace(f.Timezone); err != nil {
				return &account.Refusal{Field: "windows", Reason: err.Error()}
			}
			return nil
		}}
}

// textStep is the whole plan as the command line's YAML, without its tables.
func textStep() step {
	return step{path: "text", title: "As text", lead: "The same plan as the command line reads it. Paste one of your own here.",
		form: func(v *visit, m app.Plan) (f planForm, err error) {
			text, err := m.File.Text()
			f.form.Fields = []any{look.Field{Name: "text", Label: "YAML", Kind: look.Long, Rows: 24, Mono: true, Value: v.was("text", text),
				Hint: "The tables of people and of the map are not part of it; they stay as they are."}}
			f.form.Buttons = []look.Button{{Text: "Save", Kind: look.Primary}, {Text: "Go back", Kind: look.Quiet, Href: v.planAt(m.Name, "")}}
			return f, err
		},
		take: func(v *visit, f *migrate.File) error {
			read, err := migrate.ParseText(strings.ReplaceAll(v.typed("text"), "\r\n", "\n"), f)
			if at, ok := errors.AsType[*migrate.TextError](err); ok {
				return &account.Refusal{Field: "text", Reason: at.Error()}
			}
			if err != nil {
				return &account.Refusal{Field: "text", Reason: err.Error()}
			}
			if read.Name != f.Name {
				return &account.Refusal{Field: "text", Reason: "its name is “" + read.Name + "”, and that of this migration is “" + f.Name + "”"}
			}
			*f = *read
			return nil
		}}
}
