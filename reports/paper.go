package reports

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
	"unicode"

	"codeberg.org/go-pdf/fpdf"
	"golang.org/x/image/font/sfnt"

	"sunup/internal/event"
)

// NanumGothic has every Hangul syllable and the common Hanja. It is under the
// SIL Open Font License: font/OFL.txt. A PDF holds only the letters it uses.
//
//go:embed font/NanumGothic.ttf.gz
var fontPacked []byte

// FontLicence is the licence of the font that PDF files use.
//
//go:embed font/OFL.txt
var FontLicence string

// typeface is the font and what it has.
type typeface struct {
	bytes []byte
	sfnt  *sfnt.Font
}

var loadTypeface = sync.OnceValues(func() (typeface, error) {
	z, err := gzip.NewReader(bytes.NewReader(fontPacked))
	if err != nil {
		return typeface{}, fmt.Errorf("unpack the font: %w", err)
	}
	b, err := io.ReadAll(z)
	if err != nil {
		return typeface{}, fmt.Errorf("unpack the font: %w", err)
	}
	f, err := sfnt.Parse(b)
	if err != nil {
		return typeface{}, fmt.Errorf("read the font: %w", err)
	}
	return typeface{b, f}, nil
})

// Millimetres of an A4 page.
const (
	paperWidth   = 210.0
	paperHeight  = 297.0
	paperMargin  = 14.0
	paperBottom  = 16.0
	paperContent = paperWidth - 2*paperMargin
)

// rgb is a colour.
type rgb [3]int

var (
	inkColor   = rgb{29, 36, 48}
	softColor  = rgb{91, 100, 116}
	lineColor  = rgb{216, 212, 202}
	panelColor = rgb{247, 245, 240}
	nightColor = rgb{37, 48, 90}
	sunColor   = rgb{217, 122, 50}
)

func hexColor(s string) rgb {
	var c rgb
	fmt.Sscanf(s, "%02X%02X%02X", &c[0], &c[1], &c[2])
	return c
}

// paper is an A4 document that is being written from top to bottom. Errors are
// kept by the library until the end.
type paper struct {
	*fpdf.Fpdf
	face   typeface
	buf    sfnt.Buffer
	known  map[rune]bool
	widths map[rune]float64 // of a letter at 1 point, in millimetres
	size   float64
}

func newPaper(face typeface, title, author string, made time.Time) *paper {
	p := &paper{Fpdf: fpdf.New("P", "mm", "A4", ""), face: face, known: map[rune]bool{}, widths: map[rune]float64{}}
	p.AddUTF8FontFromBytes("gothic", "", face.bytes)
	p.SetMargins(paperMargin, paperMargin, paperMargin)
	p.SetAutoPageBreak(false, 0)
	p.SetCellMargin(0)
	// The same report makes the same file.
	p.SetCatalogSort(true)
	p.SetCreationDate(made)
	p.SetModificationDate(made)
	p.SetTitle(p.shown(title), true)
	p.SetAuthor(p.shown(author), true)
	p.SetCreator("sunup", true)
	p.AliasNbPages("{pages}")
	return p
}

// shown is text as the font can show it: letters that it does not have are a
// box.
func (p *paper) shown(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || p.has(r) {
			return r
		}
		if r == '\t' || unicode.IsSpace(r) {
			return ' '
		}
		return '□'
	}, paperSigns.Replace(safeText(s)))
}

// paperSigns are our own signs that the font does not have.
var paperSigns = strings.NewReplacer("⟨", "<", "⟩", ">")

func (p *paper) has(r rune) bool {
	has, ok := p.known[r]
	if !ok {
		glyph, err := p.face.sfnt.GlyphIndex(&p.buf, r)
		// The library knows no letters beyond the first plane.
		has = err == nil && glyph != 0 && r < 0xffff
		p.known[r] = has
	}
	return has
}

// letters chooses the size in points, the colour, and whether letters are bold,
// which is drawn: a second font would double the size of the program.
func (p *paper) letters(size float64, c rgb, bold bool) {
	p.size = size
	p.SetFont("gothic", "", size)
	p.SetTextColor(c[0], c[1], c[2])
	p.SetDrawColor(c[0], c[1], c[2])
	if bold {
		p.SetLineWidth(size * 0.012)
		p.SetTextRenderingMode(2)
	} else {
		p.SetTextRenderingMode(0)
	}
}

func (p *paper) width(s string) float64 {
	sum := 0.0
	for _, r := range s {
		sum += p.letterWidth(r)
	}
	return sum
}

func (p *paper) letterWidth(r rune) float64 {
	w, ok := p.widths[r]
	if !ok {
		w = p.GetStringWidth(string(r)) / p.size
		p.widths[r] = w
	}
	return w * p.size
}

// wrap breaks text into lines of a width, at most limit of them.
func (p *paper) wrap(s string, width float64, limit int) []string {
	var out []string
	for line := range strings.SplitSeq(strings.TrimRight(p.shown(s), "\n"), "\n") {
		runes := []rune(line)
		for {
			n := p.fits(runes, width)
			if len(out) == limit-1 && (n < len(runes)) {
				return append(out, strings.TrimRight(string(runes[:max(0, n-1)]), " ")+"…")
			}
			out = append(out, strings.TrimRight(string(runes[:n]), " "))
			if runes = runes[n:]; len(runes) == 0 {
				break
			}
		}
		if len(out) >= limit {
			break
		}
	}
	return out
}

// fits is how many letters go into a line: to the last space, if there is one.
func (p *paper) fits(runes []rune, width float64) int {
	sum, space := 0.0, 0
	for i, r := range runes {
		if sum += p.letterWidth(r); sum > width && i > 0 {
			if space > 0 {
				return space
			}
			return i
		}
		if r == ' ' {
			space = i + 1
		}
	}
	return len(runes)
}

// line height of the current letters in millimetres.
func (p *paper) leading() float64 { return p.size * 0.53 }

// room begins a new page when there is less than a height left.
func (p *paper) room(height float64) bool {
	if p.GetY()+height <= paperHeight-paperBottom || p.GetY() <= paperMargin+1 {
		return false
	}
	p.AddPage()
	return true
}

// at writes one line at a place; its baseline is in the middle of the line's
// height.
func (p *paper) at(x, y float64, s string) { p.Text(x, y+p.leading()*0.72, s) }

// paragraph writes text over the width of the page from x on.
func (p *paper) paragraph(x, width float64, s string, limit int) {
	for _, line := range p.wrap(s, width, limit) {
		p.room(p.leading())
		p.at(x, p.GetY(), line)
		p.SetY(p.GetY() + p.leading())
	}
}

func (p *paper) gap(mm float64) { p.SetY(p.GetY() + mm) }

// block fills a rectangle.
func (p *paper) block(x, y, w, h float64, c rgb) {
	p.SetFillColor(c[0], c[1], c[2])
	p.Rect(x, y, w, h, "F")
}

// heading begins a part of the document.
func (p *paper) heading(s string) {
	p.gap(5)
	p.room(22)
	s = p.shown(s)
	p.Bookmark(s, 0, -1)
	p.block(paperMargin, p.GetY()+1, 1.4, 5.2, sunColor)
	p.letters(12.5, inkColor, true)
	p.at(paperMargin+4, p.GetY(), s)
	p.gap(p.leading() + 2)
}

// mark draws the sign of an outcome as a shape with its colour: few fonts have
// the symbols that the page uses.
func (p *paper) mark(o event.Outcome, x, y, size float64) {
	c := markColor(o)
	p.SetTextRenderingMode(0)
	p.SetFillColor(c[0], c[1], c[2])
	p.SetDrawColor(c[0], c[1], c[2])
	p.SetLineWidth(size * 0.16)
	mid := y + size/2
	switch o {
	case event.OK, event.Rescued:
		p.Line(x, mid, x+size*0.38, y+size*0.85)
		p.Line(x+size*0.38, y+size*0.85, x+size, y+size*0.12)
	case event.Failed:
		p.Line(x, y, x+size, y+size)
		p.Line(x, y+size, x+size, y)
	case event.Unreachable, event.Unknown:
		p.Polygon([]fpdf.PointType{{X: x + size/2, Y: y}, {X: x + size, Y: y + size}, {X: x, Y: y + size}}, "F")
	case event.Quarantined:
		p.Rect(x, y, size, size, "D")
		p.Rect(x, y, size/2, size, "F")
	case event.Cancelled:
		p.Rect(x, y, size, size, "F")
	case event.Changed:
		p.Circle(x+size/2, mid, size/2.2, "F")
	default:
		p.Line(x, mid, x+size, mid)
	}
}

// markColor is the strong colour of an outcome.
func markColor(o event.Outcome) rgb {
	fill := outcomeFills[o]
	if fill[1] == "FFFFFF" {
		return hexColor(fill[0])
	}
	return hexColor(fill[1])
}

// paperColumn is a column of a table on paper.
type paperColumn struct {
	title string
	share float64 // of the width
	right bool
	lines int // at most; 1 when 0
}

// paperCell is a cell: text, and the sign of an outcome before it.
type paperCell struct {
	text    string
	outcome event.Outcome
	bold    bool
	box     bool // to be ticked
}

// grid is a table on paper: its head is repeated on every page.
type grid struct {
	*paper
	columns []paperColumn
}

const cellPad = 1.2

func (p *paper) grid(columns ...paperColumn) *grid {
	g := &grid{paper: p, columns: columns}
	g.room(16)
	g.head()
	return g
}

func (g *grid) head() {
	g.letters(8, softColor, true)
	h := g.leading() + 2*cellPad
	g.block(paperMargin, g.GetY(), paperContent, h, panelColor)
	x := paperMargin
	for _, c := range g.columns {
		w := c.share * paperContent
		g.put(x, g.GetY(), w, g.shown(c.title), c.right)
		x += w
	}
	g.SetY(g.GetY() + h)
}

func (g *grid) put(x, y, w float64, s string, right bool) {
	if right {
		g.at(x+w-cellPad-g.width(s), y+cellPad, s)
		return
	}
	g.at(x+cellPad, y+cellPad, s)
}

// row writes a row; cells wrap.
func (g *grid) row(cells ...paperCell) {
	g.letters(8.5, inkColor, false)
	lines, most := make([][]string, len(cells)), 1
	for i, c := range cells {
		w := g.columns[i].share*paperContent - 2*cellPad
		if c.outcome != "" {
			w -= 3.6
		}
		lines[i] = g.wrap(c.text, w, max(1, g.columns[i].lines))
		most = max(most, len(lines[i]))
	}
	h := float64(most)*g.leading() + 2*cellPad
	if g.room(h) {
		g.head()
	}
	y := g.GetY()
	x := paperMargin
	for i, c := range cells {
		w := g.columns[i].share * paperContent
		left := x
		if c.outcome != "" {
			g.mark(c.outcome, x+cellPad, y+cellPad+0.7, 2.4)
			left += 3.6
		}
		if c.box {
			g.SetDrawColor(inkColor[0], inkColor[1], inkColor[2])
			g.SetLineWidth(0.3)
			g.Rect(x+cellPad, y+cellPad+0.4, 3.4, 3.4, "D")
		}
		g.letters(8.5, inkColor, c.bold)
		for n, line := range lines[i] {
			g.put(left, y+float64(n)*g.leading(), w-(left-x), line, g.columns[i].right)
		}
		x += w
	}
	g.SetDrawColor(lineColor[0], lineColor[1], lineColor[2])
	g.SetLineWidth(0.15)
	g.Line(paperMargin, y+h, paperMargin+paperContent, y+h)
	g.SetY(y + h)
}
