//go:build race

package connector

// seeds is small where the race detector makes a simulation ten times slower:
// what it looks for shows in the first.
const seeds = 3
