package web

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/rialto-migrate/rialto/internal/job"
	"github.com/rialto-migrate/rialto/internal/migrate"
	"github.com/rialto-migrate/rialto/internal/report"
	"github.com/rialto-migrate/rialto/internal/runs"
)

// verdict is what a verification found, with who decided what.
func (v *visit) verdict() (r runs.Run, found *migrate.Verdict, decided migrate.Decisions, err error) {
	if r, err = v.run(); err != nil {
		return r, nil, decided, err
	}
	out, err := v.Runs.Outcome(v.ctx(), v.org.ID, r.Num)
	if err != nil {
		return r, nil, decided, err
	}
	if out == nil || out.Verdict == nil {
		return r, nil, decided, errNotFound
	}
	o, err := v.Runs.Order(v.ctx(), v.org.ID, r.Num)
	if err != nil {
		return r, nil, decided, err
	}
	return r, out.Verdict, o.Migration.Decisions(), nil
}

// reportPolicy is for the report, which is one file with its style in it, for keeping:
// nothing else is fetched, and nothing in it runs.
const reportPolicy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox allow-popups allow-popups-to-escape-sandbox; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"

func (v *visit) runReport() error {
	r, found, decided, err := v.verdict()
	if err != nil {
		return err
	}
	var page bytes.Buffer
	if err := report.Render(&page, r.Migration, found, decided, r.Ended); err != nil {
		return err
	}
	h := v.w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", reportPolicy)
	h.Set("Cache-Control", "no-store")
	v.wrote = true
	_, err = page.WriteTo(v.w)
	return err
}

func (v *visit) runReportJSON() error {
	r, found, decided, err := v.verdict()
	if err != nil {
		return err
	}
	b, err := json.MarshalIndent(struct {
		*migrate.Verdict
		Decided migrate.Decisions `json:"decided"`
	}{found, decided}, "", "  ")
	if err != nil {
		return err
	}
	h := v.w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Disposition", fmt.Sprintf(`attachment; filename="rialto-report-%d.json"`, r.Num))
	v.wrote = true
	_, err = v.w.Write(append(b, '\n'))
	return err
}

// runCertificate gives the signed certificate of a run's migration, as a file.
func (v *visit) runCertificate() error {
	r, err := v.run()
	if err != nil {
		return err
	}
	o, err := v.Runs.Order(v.ctx(), v.org.ID, r.Num)
	if err != nil {
		return err
	}
	if o.Verb == job.Scan {
		return errNotFound
	}
	sent, err := v.Runs.Sent(v.ctx(), v.org.ID, r.Migration)
	if err != nil {
		return err
	}
	err = v.App.Of(v.org.ID).Certify(v.ctx(), o.Migration, sent, v.w, func() {
		h := v.w.Header()
		h.Set("Content-Type", "text/plain; charset=utf-8")
		h.Set("Cache-Control", "no-store")
		h.Set("Content-Disposition", fmt.Sprintf(`attachment; filename="rialto-certificate-%d.txt"`, r.Num))
		v.wrote = true
	})
	if err != nil && v.wrote {
		panic(http.ErrAbortHandler) // so that nobody takes what came so far for a whole one
	}
	return err
}
