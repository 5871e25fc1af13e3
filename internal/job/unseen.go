package job

import (
	"context"

	"github.com/rialto-migrate/rialto/connector"
)

// Unseen is one line of what a scan says of things out of sight; see
// connector.Unseen.
type Unseen struct {
	What  string   `json:"what"`
	Where string   `json:"where,omitempty"`
	Count int      `json:"count"` // -1 if the cloud does not tell
	IDs   []string `json:"ids,omitempty"`
	How   string   `json:"how"`
}

// unseen asks a source what it cannot see; nil if it does not know.
func unseen(ctx context.Context, src connector.Source) ([]Unseen, error) {
	blind, ok := src.(connector.Blind)
	if !ok {
		return nil, nil
	}
	var out []Unseen
	for u, err := range blind.Unseen(ctx) {
		if err != nil {
			return out, err
		}
		line := Unseen{What: u.What, Where: u.Where, Count: u.Count, How: u.How}
		for _, r := range u.Refs {
			line.IDs = append(line.IDs, r.ID)
		}
		out = append(out, line)
	}
	return out, nil
}
