package trello

import "strings"

// hues are the ten colours of the contract; since 2023 each comes in a dark and
// a light shade too (developer.atlassian.com/cloud/trello, object "Label").
func hues() []string {
	return []string{"green", "yellow", "orange", "red", "purple", "blue", "sky", "lime", "pink", "black"}
}

// colors are the plain English names of all thirty.
func colors() []string {
	var out []string
	for _, h := range hues() {
		out = append(out, h, "dark "+h, "light "+h)
	}
	return out
}

// plainColor turns "green_dark" into "dark green".
func plainColor(wire string) string {
	hue, shade, ok := strings.Cut(wire, "_")
	if !ok {
		if wire == "null" || wire == "none" {
			return ""
		}
		return wire
	}
	return shade + " " + hue
}

// wireColor turns "dark green" into "green_dark"; nil, which Trello takes as no
// colour, for "".
func wireColor(plain string) any {
	if plain == "" {
		return nil
	}
	shade, hue, ok := strings.Cut(plain, " ")
	if !ok {
		return plain
	}
	return hue + "_" + shade
}
