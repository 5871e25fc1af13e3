package standin

// A Maker makes the stand-in of one cloud.
type Maker struct {
	Name string // the connector's name
	New  func(seed uint64) Cloud
}
