package reports

import (
	"fmt"
	"io"
	"time"

	"github.com/xuri/excelize/v2"

	"sunup/internal/event"
	"sunup/internal/say"
)

// WriteXLSX writes the report as a workbook: a sheet for each table, and the
// heat map of hosts and tasks.
func WriteXLSX(w io.Writer, s Source) error {
	b, err := newBook(s)
	if err != nil {
		return fmt.Errorf("write XLSX: %w", err)
	}
	defer b.file.Close()
	if err := b.fill(); err != nil {
		return fmt.Errorf("write XLSX: %w", err)
	}
	if err := b.file.Write(w); err != nil {
		return fmt.Errorf("write XLSX: %w", err)
	}
	return nil
}

// book is a workbook that is being written.
type book struct {
	Source
	file     *excelize.File
	zone     *time.Location
	looks    bookStyles
	sheets   int
	outcomes map[event.Outcome]string // as words
}

// bookStyles are the numbers of the styles.
type bookStyles struct {
	heading, text, number, seconds, moment, title int
	outcome, symbol                               map[event.Outcome]int
}

// outcomeFills are the colours of outcomes: background and letters. The word or
// symbol always stands in the cell too.
var outcomeFills = map[event.Outcome][2]string{
	event.OK: {"DCF3E3", "15803D"}, event.Changed: {"FDECC8", "92400E"}, event.Skipped: {"F0F1F3", "5B6474"}, event.Failed: {"B91C1C", "FFFFFF"},
	event.Unreachable: {"A21CAF", "FFFFFF"}, event.Rescued: {"D3F1EE", "0F766E"}, event.Ignored: {"E8ECF1", "475569"},
	event.Quarantined: {"6D28D9", "FFFFFF"}, event.Cancelled: {"E2E8F0", "475569"}, event.Unknown: {"FAE3CD", "92400E"},
}

func newBook(s Source) (*book, error) {
	b := &book{Source: s, file: excelize.NewFile(), zone: zoneOf(s.Report), outcomes: map[event.Outcome]string{}}
	for _, o := range event.Outcomes {
		b.outcomes[o] = outcomeWords[o].In(s.Lang)
	}
	if s.Lang == say.Korean {
		if err := b.file.SetDefaultFont("맑은 고딕"); err != nil {
			return b, err
		}
	}
	return b, b.styles()
}

func (b *book) styles() error {
	var err error
	style := func(st excelize.Style) int {
		var id int
		if err == nil {
			id, err = b.file.NewStyle(&st)
		}
		return id
	}
	top := func(wrap bool) *excelize.Alignment { return &excelize.Alignment{Vertical: "top", WrapText: wrap} }
	fill := func(color string) excelize.Fill {
		return excelize.Fill{Type: "pattern", Pattern: 1, Color: []string{color}}
	}
	threeDecimals, moment, whole := "#,##0.000", "yyyy-mm-dd hh:mm:ss", "#,##0"
	l := &b.looks
	l.title = style(excelize.Style{Font: &excelize.Font{Bold: true, Size: 14}})
	l.heading = style(excelize.Style{Font: &excelize.Font{Bold: true, Color: "FFFFFF"}, Fill: fill("25305A"), Alignment: &excelize.Alignment{Vertical: "center", WrapText: true}})
	l.text = style(excelize.Style{Alignment: top(false)})
	l.number = style(excelize.Style{Alignment: top(false), CustomNumFmt: &whole})
	l.seconds = style(excelize.Style{Alignment: top(false), CustomNumFmt: &threeDecimals})
	l.moment = style(excelize.Style{Alignment: top(false), CustomNumFmt: &moment})
	l.outcome, l.symbol = map[event.Outcome]int{}, map[event.Outcome]int{}
	for _, o := range event.Outcomes {
		c := outcomeFills[o]
		l.outcome[o] = style(excelize.Style{Font: &excelize.Font{Color: c[1], Bold: true}, Fill: fill(c[0]), Alignment: top(false)})
		l.symbol[o] = style(excelize.Style{Font: &excelize.Font{Color: c[1], Bold: true}, Fill: fill(c[0]), Alignment: &excelize.Alignment{Horizontal: "center"}})
	}
	return err
}

// fill writes all sheets.
func (b *book) fill() error {
	name := cellText(safeLine(b.Report.Run.Name))
	made := b.Report.Ended.UTC().Format(time.RFC3339)
	if err := b.file.SetDocProps(&excelize.DocProperties{Title: name, Creator: "sunup " + cellText(b.Report.Run.Version), Created: made, Modified: made}); err != nil {
		return err
	}
	for _, t := range append([]table{summaryTable(b.Report)}, tablesOf(b.Report)...) {
		if err := b.table(t); err != nil {
			return fmt.Errorf("sheet %s: %w", t.Name, err)
		}
	}
	if err := b.heatMap(); err != nil {
		return fmt.Errorf("heat map: %w", err)
	}
	return nil
}

// sheet begins a sheet and sets it up for A4.
func (b *book) sheet(name string) (*excelize.StreamWriter, error) {
	if b.sheets == 0 {
		if err := b.file.SetSheetName("Sheet1", name); err != nil {
			return nil, err
		}
	} else if _, err := b.file.NewSheet(name); err != nil {
		return nil, err
	}
	b.sheets++
	landscape, a4, one, any := "landscape", 9, 1, 0
	if err := b.file.SetPageLayout(name, &excelize.PageLayoutOptions{Orientation: &landscape, Size: &a4, FitToWidth: &one, FitToHeight: &any}); err != nil {
		return nil, err
	}
	fit := true
	if err := b.file.SetSheetProps(name, &excelize.SheetPropsOptions{FitToPage: &fit}); err != nil {
		return nil, err
	}
	return b.file.NewStreamWriter(name)
}

// table writes one table, over several sheets when it is longer than one holds.
func (b *book) table(t table) error {
	name := t.Title.In(b.Lang)
	out, row, parts := (*excelize.StreamWriter)(nil), 0, 0
	end := func() error {
		if out == nil {
			return nil
		}
		last, err := excelize.CoordinatesToCellName(len(t.Columns), max(row, 2))
		if err != nil {
			return err
		}
		if err := b.file.AutoFilter(out.Sheet, "A1:"+last, nil); err != nil {
			return err
		}
		return out.Flush()
	}
	begin := func() error {
		if err := end(); err != nil {
			return err
		}
		parts++
		title := name
		if parts > 1 {
			title = fmt.Sprintf("%s %d", name, parts)
		}
		var err error
		if out, err = b.sheet(title); err != nil {
			return err
		}
		row = 1
		return b.columns(out, t)
	}
	if err := begin(); err != nil {
		return err
	}
	cells := make([]any, len(t.Columns))
	for values := range t.Rows {
		if row == excelize.TotalRows {
			if err := begin(); err != nil {
				return err
			}
		}
		row++
		for i, v := range values {
			cells[i] = b.cell(v)
		}
		if err := out.SetRow(fmt.Sprint("A", row), cells); err != nil {
			return err
		}
	}
	return end()
}

// columns writes the headings, which stay in view, and the widths.
func (b *book) columns(out *excelize.StreamWriter, t table) error {
	for i, c := range t.Columns {
		if err := out.SetColWidth(i+1, i+1, float64(c.Width)+2); err != nil {
			return err
		}
	}
	if err := out.SetPanes(&excelize.Panes{Freeze: true, XSplit: 1, YSplit: 1, TopLeftCell: "B2", ActivePane: "bottomRight"}); err != nil {
		return err
	}
	row := make([]any, len(t.Columns))
	for i, c := range t.Columns {
		row[i] = excelize.Cell{StyleID: b.looks.heading, Value: cellText(c.Title.In(b.Lang))}
	}
	return out.SetRow("A1", row)
}

func (b *book) cell(v any) any {
	switch v := v.(type) {
	case nil:
		return nil
	case string:
		return excelize.Cell{StyleID: b.looks.text, Value: cellText(v)}
	case say.Text:
		return excelize.Cell{StyleID: b.looks.text, Value: cellText(v.In(b.Lang))}
	case int, int64:
		return excelize.Cell{StyleID: b.looks.number, Value: v}
	case *int:
		if v == nil {
			return nil
		}
		return excelize.Cell{StyleID: b.looks.number, Value: *v}
	case seconds:
		return excelize.Cell{StyleID: b.looks.seconds, Value: float64(v) / 1000}
	case time.Time:
		if v.IsZero() {
			return nil
		}
		return excelize.Cell{StyleID: b.looks.moment, Value: dayNumber(v, b.zone)}
	case event.Outcome:
		return excelize.Cell{StyleID: b.looks.outcome[v], Value: b.outcomes[v]}
	}
	panic("reports: a cell of an unknown kind")
}

// dayNumber is a time as spreadsheets count: days since the end of 1899, on the
// clock of the place.
func dayNumber(t time.Time, zone *time.Location) float64 {
	_, offset := t.In(zone).Zone()
	const epoch = 25569 // days from there to 1970
	return epoch + (float64(t.UnixMilli())/1000+float64(offset))/86400
}

// heatMap is the sheet of hosts and tasks: a symbol and a colour in each cell.
func (b *book) heatMap() error {
	r := b.Report
	out, err := b.sheet(words["sheet_map"].In(b.Lang))
	if err != nil {
		return err
	}
	columns := min(len(r.Tasks), excelize.MaxColumns-2)
	if err := b.mapWidths(out, columns); err != nil {
		return err
	}
	if err := out.SetPanes(&excelize.Panes{Freeze: true, XSplit: 2, YSplit: 3, TopLeftCell: "C4", ActivePane: "bottomRight"}); err != nil {
		return err
	}
	if err := out.SetRow("A1", b.legend()); err != nil {
		return err
	}
	plays, tasks := []any{nil, nil}, []any{b.heading("host"), b.heading("zone")}
	for _, t := range r.Tasks[:columns] {
		plays = append(plays, excelize.Cell{StyleID: b.looks.text, Value: cellText(safeLine(r.playName(t.Play)))})
		tasks = append(tasks, excelize.Cell{StyleID: b.looks.heading, Value: cellText(safeLine(t.Name))})
	}
	if err := out.SetRow("A2", plays); err != nil {
		return err
	}
	if err := out.SetRow("A3", tasks); err != nil {
		return err
	}
	symbols := map[event.Outcome]any{}
	for _, o := range event.Outcomes {
		symbols[o] = excelize.Cell{StyleID: b.looks.symbol[o], Value: outcomeSymbols[o]}
	}
	row := make([]any, columns+2)
	for i, h := range worstFirst(r.Hosts) {
		if i+4 > excelize.TotalRows {
			break
		}
		clear(row)
		row[0], row[1] = b.cell(h.Name), b.cell(h.Zone)
		for _, c := range h.Cells {
			if c.Task < columns {
				row[c.Task+2] = symbols[c.Outcome]
			}
		}
		if err := out.SetRow(fmt.Sprint("A", i+4), row); err != nil {
			return err
		}
	}
	return out.Flush()
}

func (b *book) heading(word string) any {
	return excelize.Cell{StyleID: b.looks.heading, Value: words[word].In(b.Lang)}
}

func (b *book) mapWidths(out *excelize.StreamWriter, columns int) error {
	if err := out.SetColWidth(1, 1, 24); err != nil {
		return err
	}
	if err := out.SetColWidth(2, 2, 14); err != nil {
		return err
	}
	if columns == 0 {
		return nil
	}
	return out.SetColWidth(3, columns+2, 9)
}

// legend says what the symbols mean.
func (b *book) legend() []any {
	out := []any{excelize.Cell{StyleID: b.looks.title, Value: words["legend"].In(b.Lang)}, nil}
	for _, o := range event.Outcomes {
		out = append(out, excelize.Cell{StyleID: b.looks.outcome[o], Value: outcomeSymbols[o] + " " + b.outcomes[o]})
	}
	return out
}
