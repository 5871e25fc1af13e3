package report

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/rialto-migrate/rialto/internal/migrate"
	"github.com/rialto-migrate/rialto/item"
)

//go:embed record.html
var recordText string

// A Record is the record of processing of one migration, for a data protection
// officer: what Article 30 of the GDPR asks a processor to write down, as far as
// the program knows it. It holds counts, ids and addresses of servers, and the
// names of deciders that the user wrote down.
type Record struct {
	Migration string    `json:"migration"`
	Made      time.Time `json:"made"`
	Program   string    `json:"program"`
	From      Party     `json:"from"`
	To        Party     `json:"to"`
	// Data are the kinds of data that were read, with how many items of each.
	Data []RecordKind `json:"data"`
	// People is how many people of the source the data name.
	People int `json:"people"`
	// Decided are the choices of the migration file, and who made them or left them
	// to the defaults.
	Decided []migrate.Decision `json:"decided"`
	// Keeps says what is kept, where, and until when.
	Keeps []Keep `json:"keeps"`
	// Confined says how the process that touched content was kept from disk; ""
	// if it was not.
	Confined string `json:"confined,omitempty"`
	// Outlived are items that were deleted at the source and still stand at the
	// target: people may have asked for it.
	Outlived     int                `json:"outlived"`
	OutlivedList []migrate.Outlived `json:"outlived_list,omitempty"`
}

// A Party is one end of the flow.
type Party struct {
	Connection string   `json:"connection"`
	Cloud      string   `json:"cloud"`
	Account    string   `json:"account,omitempty"` // the id of who it acts as
	Hosts      []string `json:"hosts"`
	Place      string   `json:"place,omitempty"`
}

// A RecordKind is one kind of data.
type RecordKind struct {
	Kind  string `json:"kind"`
	Items int    `json:"items"`
	What  string `json:"what"` // fields that may hold personal data
}

// A Keep is something that the program keeps.
type Keep struct {
	What  string `json:"what"`
	Where string `json:"where"`
	Until string `json:"until"`
}

// Describe fills in what a verdict tells: the kinds of data, the people, and what
// outlived its source.
func (r *Record) Describe(v *migrate.Verdict) {
	for _, info := range item.Kinds() {
		if c, ok := v.Kinds[info.Kind]; ok && c.Source > 0 {
			r.Data = append(r.Data, RecordKind{Kind: info.Plural, Items: c.Source, What: personal(info)})
		}
	}
	r.People, r.Outlived, r.OutlivedList = v.People, v.Outlived, v.OutlivedList
}

// personal names the fields of a kind that hold people, or texts that people
// wrote.
func personal(info item.KindInfo) string {
	var people, texts string
	add := func(to *string, name string) {
		if *to != "" {
			*to += ", "
		}
		*to += name
	}
	for _, f := range info.Fields {
		switch f.Type {
		case item.Person, item.People:
			add(&people, f.Name)
		case item.Text, item.Line:
			add(&texts, f.Name)
		}
	}
	switch {
	case people == "":
		return "texts: " + texts
	case texts == "":
		return "people: " + people
	}
	return "people: " + people + "; texts: " + texts
}

// WriteRecord puts record.html and record.json into a folder, made if it is
// missing.
func WriteRecord(dir string, r *Record) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("the record cannot be written: %w", err)
	}
	b, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "record.json"), append(b, '\n'), 0o644); err != nil {
		return fmt.Errorf("the record cannot be written: %w", err)
	}
	f, err := os.Create(filepath.Join(dir, "record.html"))
	if err != nil {
		return fmt.Errorf("the record cannot be written: %w", err)
	}
	err = renderRecord(f, r)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return err
}

func renderRecord(w io.Writer, r *Record) error {
	t, err := template.New("record").Parse(recordText)
	if err != nil {
		return err
	}
	return t.Execute(w, struct {
		*Record
		When string
	}{r, r.Made.UTC().Format("2 January 2006, 15:04 UTC")})
}
