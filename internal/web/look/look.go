// Package look is how the pages of the service look and behave: one layout, one
// stylesheet, one small script, and the components that pages are made of. A
// component is a struct; its template has its name. A page of another package is a
// struct too, with a template of its own that shows components by {{show .Table}}.
//
// What people or clouds named is of type Name and is shown isolated, cut when it is
// long, and with its invisible characters made visible. Strings are our own words.
package look

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"reflect"
	"time"
)

//go:embed *.html
var templates embed.FS

// ContentSecurityPolicy is what Render sends with each page: our own files, and
// nothing inline. A form may only be sent to our own addresses, redirects included,
// so the way to a provider of sign-in is a link and not a form's answer.
const ContentSecurityPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

// A Look renders pages. It is made once and is safe for use by many requests at
// the same time.
type Look struct {
	components *template.Template
	pages      map[reflect.Type]*template.Template
	assets     map[string]*asset // by address
	addresses  map[string]string // by the file's name
}

// Pages are the bodies of pages that another package brings: each template of
// Files, with a value of the type that it shows.
type Pages struct {
	Files  fs.FS
	Bodies map[string]any
}

// New parses all templates once. It fails when a file has no body or a body no
// file, so that what is missing is found at the start and not by a visitor.
func New(pages ...Pages) (*Look, error) {
	l := &Look{pages: map[reflect.Type]*template.Template{}}
	if err := l.readAssets(); err != nil {
		return nil, err
	}
	var err error
	l.components, err = template.New("").Option("missingkey=error").Funcs(template.FuncMap{
		"show": l.show, "name": phrase, "whole": whole, "plain": plain, "icon": icon, "static": l.address, "number": Number, "clock": clock, "list": list,
	}).ParseFS(templates, "*.html")
	if err != nil {
		return nil, fmt.Errorf("look: %w", err)
	}
	for _, p := range pages {
		if err := l.add(p); err != nil {
			return nil, err
		}
	}
	return l, nil
}

func (l *Look) add(p Pages) error {
	files, err := fs.Glob(p.Files, "*.html")
	if err != nil {
		return fmt.Errorf("look: %w", err)
	}
	for _, file := range files {
		if _, ok := p.Bodies[file]; !ok {
			return fmt.Errorf("look: no body is shown by %s", file)
		}
	}
	for file, body := range p.Bodies {
		of := reflect.TypeOf(body)
		if of == nil || of.Kind() != reflect.Struct {
			return fmt.Errorf("look: the body of %s is a %v, not a struct", file, of)
		}
		if _, twice := l.pages[of]; twice {
			return fmt.Errorf("look: two templates show %v", of)
		}
		text, err := fs.ReadFile(p.Files, file)
		if err != nil {
			return fmt.Errorf("look: %v: %w", of, err)
		}
		set, err := l.components.Clone()
		if err != nil {
			return fmt.Errorf("look: %w", err)
		}
		if l.pages[of], err = set.New(file).Parse(string(text)); err != nil {
			return fmt.Errorf("look: %w", err)
		}
	}
	return nil
}

// Render writes a whole page, or nothing: on an error neither a header nor a byte
// has been written.
func (l *Look) Render(w http.ResponseWriter, status int, page Page) error {
	text, err := l.show(page)
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", ContentSecurityPolicy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, err = w.Write([]byte(text))
	return err
}

// show renders a component, a page's body, a name, a time, a number, our own words,
// or a slice of such, by its type.
func (l *Look) show(v any) (template.HTML, error) {
	switch v := v.(type) {
	case nil:
		return "", nil
	case template.HTML:
		return "", errors.New("look: markup made elsewhere is not shown")
	case string, Words:
		return phrase(v), nil
	case Name:
		return v.html(), nil
	case time.Time:
		return when(v), nil
	case int:
		return template.HTML(Number(v)), nil
	}
	value := reflect.ValueOf(v)
	if set, name := l.shows(value.Type()); set != nil {
		var b bytes.Buffer
		if err := set.ExecuteTemplate(&b, name, v); err != nil {
			return "", fmt.Errorf("look: %w", err)
		}
		return template.HTML(b.String()), nil
	}
	switch value.Kind() {
	case reflect.Pointer:
		if value.IsNil() {
			return "", nil
		}
		return l.show(value.Elem().Interface())
	case reflect.Slice:
		var all bytes.Buffer
		for i := range value.Len() {
			one, err := l.show(value.Index(i).Interface())
			if err != nil {
				return "", err
			}
			all.WriteString(string(one))
		}
		return template.HTML(all.String()), nil
	}
	return "", fmt.Errorf("look: nothing shows a %v", value.Type())
}

// shows finds the template of a type: that of a page, or the component's that has
// its name.
func (l *Look) shows(of reflect.Type) (*template.Template, string) {
	if page := l.pages[of]; page != nil {
		return page, page.Name()
	}
	if of.PkgPath() == reflect.TypeFor[Look]().PkgPath() && l.components.Lookup(of.Name()) != nil {
		return l.components, of.Name()
	}
	return nil, ""
}

// list gathers arguments, for templates that hand several to another.
func list(of ...any) []any { return of }

// when shows a time in the zone that it carries, with UTC in its title. A time in
// UTC is turned into the reader's zone where scripts run.
func when(t time.Time) template.HTML {
	if t.IsZero() {
		return `<span class="soft">never</span>`
	}
	shown := t.Format("2 Jan 2006, 15:04")
	if t.Location() == time.UTC {
		shown += " UTC"
	}
	return marked(t, "", shown)
}

// clock is the time of day alone, as at the edges of a chart.
func clock(t time.Time) template.HTML { return marked(t, "minute", t.Format("15:04")) }

func marked(t time.Time, local, shown string) template.HTML {
	attribute := ""
	if t.Location() == time.UTC {
		attribute = fmt.Sprintf(" data-local=%q", local)
	}
	utc := t.UTC()
	return template.HTML(fmt.Sprintf(`<time datetime="%s" title="%s"%s>%s</time>`, utc.Format(time.RFC3339), utc.Format("2006-01-02 15:04:05 UTC"), attribute, shown))
}
