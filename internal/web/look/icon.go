package look

import "html/template"

// icon is one of the drawings that states and buttons carry beside their words: 16
// by 16, in the colour of the text. One without a drawing is a dot.
func icon(name string) template.HTML {
	drawn := `<circle class="body" cx="8" cy="8" r="3"/>`
	switch name {
	case "done":
		drawn = `<circle class="body" cx="8" cy="8" r="6.5"/><path d="m5.2 8.2 2 2 3.7-4.2"/>`
	case "failed":
		drawn = `<path class="body" d="M5.4 1.8h5.2l3.6 3.6v5.2l-3.6 3.6H5.4l-3.6-3.6V5.4z"/><path d="m6 6 4 4m0-4-4 4"/>`
	case "partly":
		drawn = `<path class="body" d="M8 2 14.6 13.4H1.4z"/><path d="M8 6.4v3.2m0 1.9v.1"/>`
	case "moving":
		drawn = `<circle class="body" cx="8" cy="8" r="6.5"/><path d="M5 8h5.6M8.4 5.6 10.8 8l-2.4 2.4"/>`
	case "waiting":
		drawn = `<circle class="body" cx="8" cy="8" r="6.5" stroke-dasharray="2.2 1.88"/>`
	case "paused":
		drawn = `<rect class="body" x="1.7" y="1.7" width="12.6" height="12.6" rx="3"/><path d="M6.3 5.6v4.8m3.4-4.8v4.8"/>`
	case "skipped":
		drawn = `<circle class="body" cx="8" cy="8" r="6.5"/><path d="M5.4 8h5.2"/>`
	case "info":
		drawn = `<circle class="body" cx="8" cy="8" r="6.5"/><path d="M8 7.4v3.4m0-5.9v.1"/>`
	case "chevron":
		drawn = `<path d="m6 4 4 4-4 4"/>`
	case "updown":
		drawn = `<path d="m5 6 3-3 3 3M5 10l3 3 3-3"/>`
	case "copy":
		drawn = `<rect x="5.5" y="5.5" width="8" height="8" rx="1.5"/><path d="M10.5 5.5v-1A1.5 1.5 0 0 0 9 3H4a1.5 1.5 0 0 0-1.5 1.5v5A1.5 1.5 0 0 0 4 11h1.5"/>`
	case "check":
		drawn = `<path d="m3.5 8.5 3 3 6-7"/>`
	case "previous":
		drawn = `<path d="m10 4-4 4 4 4"/>`
	case "plus":
		drawn = `<path d="M8 3.5v9M3.5 8h9"/>`
	case "person":
		drawn = `<circle cx="8" cy="5.5" r="2.5"/><path d="M3 13.5a5 5 0 0 1 10 0"/>`
	case "key":
		drawn = `<circle cx="5.5" cy="10.5" r="3"/><path d="m7.7 8.3 5.8-5.8m-2.6 2.6 2 2"/>`
	case "lock":
		drawn = `<rect x="3" y="7" width="10" height="6.5" rx="1.5"/><path d="M5 7V5a3 3 0 0 1 6 0v2"/>`
	}
	return template.HTML(`<svg class="icon" viewBox="0 0 16 16" aria-hidden="true" focusable="false">` + drawn + `</svg>`)
}
