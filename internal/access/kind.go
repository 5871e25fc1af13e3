package access

// Kind returns the kind of thing that an action is done with; false for what is no
// action.
func (p *Policy) Kind(do Action) (Kind, bool) {
	a, ok := p.asked[do]
	return a.kind, ok
}
