package report

import (
	"io"
	"strings"
	"time"
	"unicode"

	"codeberg.org/go-pdf/fpdf"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/goregular"
)

// A Paper is a forecast to print and sign.
type Paper struct {
	Title, From, To string
	Made            time.Time
	Hash            string   // of the forecast
	Signed          []string // who agreed and when, a line each
	Brief           Brief
}

// PDF writes the paper as a PDF of A4 pages. Characters that its typeface lacks
// stand as a box.
func (p Paper) PDF(w io.Writer) error {
	d := fpdf.New("P", "mm", "A4", "")
	d.SetTitle(shown(p.Title), true)
	d.SetCreationDate(p.Made)
	d.SetModificationDate(p.Made)
	d.SetMargins(18, 18, 18)
	d.SetAutoPageBreak(true, 18)
	d.AddUTF8FontFromBytes("go", "", goregular.TTF)
	d.AddUTF8FontFromBytes("go", "B", gobold.TTF)
	d.AddPage()
	line := func(style string, size, high float64, text string) {
		d.SetFont("go", style, size)
		d.MultiCell(0, high, shown(text), "", "L", false)
	}
	line("B", 18, 9, p.Title)
	line("", 10, 5, "From "+p.From+" to "+p.To+". Forecast of "+p.Made.UTC().Format("2 January 2006, 15:04 UTC")+".")
	d.Ln(2)
	line("", 11, 6, p.Brief.Sentence)
	d.Ln(2)
	for _, f := range p.Brief.Figures {
		line("B", 10, 5, f[0]+" "+f[1])
	}
	for _, t := range p.Brief.Tables {
		p.table(d, t)
	}
	for _, n := range p.Brief.Notices {
		d.Ln(2)
		line("", 9, 4.5, n)
	}
	d.Ln(6)
	line("B", 11, 6, "Agreed")
	for _, s := range p.Signed {
		line("", 10, 5, s)
	}
	if len(p.Signed) == 0 {
		line("", 10, 5, "Nobody has signed this forecast yet.")
	}
	d.Ln(2)
	line("", 8, 4, "SHA-256 of this forecast: "+p.Hash)
	return d.Output(w)
}

func (Paper) table(d *fpdf.Fpdf, t BriefTable) {
	const width, high = 174.0, 4.5
	d.Ln(5)
	d.SetFont("go", "B", 11)
	d.MultiCell(0, 6, t.Title, "", "L", false)
	shares := make([]float64, len(t.Columns)) // as wide as what is in them needs, within reason
	all := 0.0
	for i, c := range t.Columns {
		shares[i] = float64(len([]rune(c)))
		for _, r := range t.Rows {
			shares[i] = max(shares[i], float64(len([]rune(r[i]))))
		}
		shares[i] = min(shares[i], 45) + 3
		all += shares[i]
	}
	_, page := d.GetPageSize()
	row := func(cells []string, style string) {
		d.SetFont("go", style, 8.5)
		lines := make([][]string, len(cells))
		most := 1
		for i, c := range cells {
			lines[i] = d.SplitText(shown(c), width*shares[i]/all-2)
			most = max(most, len(lines[i]))
		}
		if d.GetY()+float64(most)*high > page-18 {
			d.AddPage()
		}
		x, y := d.GetX(), d.GetY()
		for i := range cells {
			for n, text := range lines[i] {
				d.SetXY(x, y+float64(n)*high)
				d.CellFormat(width*shares[i]/all, high, text, "", 0, "L", false, 0, "")
			}
			x += width * shares[i] / all
		}
		d.SetXY(18, y+float64(most)*high)
		d.SetDrawColor(210, 210, 210)
		d.Line(18, d.GetY(), 18+width, d.GetY())
	}
	row(t.Columns, "B")
	for _, r := range t.Rows {
		row(r, "")
	}
}

// longest is as much of a name as paper shows, in characters.
const longest = 200

// shown is a text without what cannot be seen or turns the direction of writing,
// and cut where it is long. The typeface has the first plane of Unicode alone.
func shown(text string) string {
	var b strings.Builder
	n := 0
	for _, r := range text {
		switch {
		case n == longest:
			return b.String() + "…"
		case unicode.IsSpace(r):
			b.WriteByte(' ')
		case r > 0xffff:
			b.WriteRune('□')
		case unicode.IsPrint(r):
			b.WriteRune(r)
		default:
			continue
		}
		n++
	}
	return b.String()
}
