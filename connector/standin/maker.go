package standin

// A Maker makes the stand-in of one cloud.
type Maker struct {
	Name string // the connector's name
	New  func(seed uint64) Cloud
	// Generate fills a cloud that New made with an organisation; the same sizes and
	// seed make the same one. nil for a stand-in that generates none. Sizes names
	// what it takes.
	Generate func(c Cloud, sizes Sizes, seed uint64) error
	Sizes    []string
}
