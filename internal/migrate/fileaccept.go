package migrate

import "go.yaml.in/yaml/v3"

// acceptWidening is the one thing that can be accepted.
const acceptWidening = "widening"

// accept reads what is accepted: a word, a list of words, or for whom.
func (r *reader) accept(n *yaml.Node) (a Accept) {
	if n.Kind == yaml.MappingNode {
		r.mapping(n, map[string]func(*yaml.Node){
			acceptWidening: func(n *yaml.Node) {
				if n.Kind != yaml.SequenceNode {
					r.fail(n, "expected a list of ids here, such as [5f3a…, 60b1…]; for all containers write accept: widening")
				}
				a.Widen = r.texts(n)
			},
		})
		return a
	}
	words := []*yaml.Node{n}
	if n.Kind == yaml.SequenceNode {
		words = n.Content
	}
	for _, w := range words {
		if r.text(w) != acceptWidening {
			r.fail(w, "accept cannot be %q; write accept: widening, or accept: {widening: [ID, ID]} with ids of the source", w.Value)
		}
		a.Widening = true
	}
	return a
}
