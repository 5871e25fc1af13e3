package pairs_test

// whole takes a migration through its life: forecast, run and verify; again,
// which changes nothing; a delta after an edit; a lost ledger; and undo.
func (m *move) whole(name string, edit func()) {
	m.t.Helper()
	m.spec.Policies.Deletions = "delete"
	before := m.to.left()
	f, _ := m.moved()
	goldenLosses(m.t, name, f.Losses, false)
	m.idle()

	edit()
	m.from.writes.Store(0)
	if v := m.compare(); v.Status != "differs" {
		m.t.Errorf("verify says %s although the source was edited", v.Status)
	}
	f = m.forecast()
	if f.Status != "ready" {
		m.t.Errorf("the forecast of a delta says %s", f.Status)
	}
	r := m.run("complete")
	v := m.verify()
	m.sameLosses(f, v)
	for k, want := range f.Kinds {
		if got := r.Kinds[k]; got.Created != want.Create {
			m.t.Errorf("delta: %s: %d created, %d forecast", k, got.Created, want.Create)
		}
	}
	m.idle()

	m.rebuilt()
	m.undone(before)
}
