//go:build !race

package connector

// seeds is how many simulated clouds each goal of the pacer is held to.
const seeds = 20
