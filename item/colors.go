package item

// RGB returns the colour that a plain English colour name stands for; ok is
// false for a name that is not known. Names are those of the clouds' fixed
// palettes; the values are near enough to choose the nearest one by.
func RGB(name string) (rgb [3]int, ok bool) {
	rgb, ok = map[string][3]int{
		"black": {23, 43, 77}, "white": {255, 255, 255},
		"green": {75, 206, 151}, "dark green": {31, 132, 90}, "light green": {186, 243, 219},
		"yellow": {245, 205, 71}, "dark yellow": {148, 111, 0}, "light yellow": {248, 230, 160},
		"orange": {254, 163, 98}, "dark orange": {194, 81, 0}, "light orange": {254, 222, 200},
		"red": {248, 113, 104}, "dark red": {201, 55, 44}, "light red": {255, 213, 210},
		"purple": {159, 143, 239}, "dark purple": {110, 93, 198}, "light purple": {223, 216, 253},
		"blue": {87, 157, 255}, "dark blue": {12, 102, 228}, "light blue": {204, 224, 255},
		"sky": {108, 195, 224}, "dark sky": {34, 125, 155}, "light sky": {198, 237, 251},
		"lime": {148, 199, 72}, "dark lime": {91, 127, 36}, "light lime": {211, 241, 167},
		"pink": {231, 116, 187}, "dark pink": {174, 71, 135}, "light pink": {253, 208, 236},
		"dark black": {98, 111, 134}, "light black": {220, 223, 228},
		"gray": {133, 144, 162}, "dark gray": {98, 111, 134}, "light gray": {220, 223, 228},
		"bronze": {164, 120, 60}, "aqua": {60, 190, 190}, "silver": {190, 196, 204}, "brown": {142, 86, 46},
		"cranberry": {180, 30, 60}, "peach": {255, 180, 140}, "marigold": {234, 163, 0}, "teal": {3, 131, 135},
		"lavender": {113, 96, 232}, "plum": {119, 0, 77},
	}[name]
	return rgb, ok
}

// NearestColor returns the one of the names that looks most like color and is
// not taken; "" if all are taken. An unknown or empty colour gets the first
// free name.
func NearestColor(color string, names []string, taken func(string) bool) string {
	want, known := RGB(color)
	best, dist := "", 0
	for _, n := range names {
		if taken(n) {
			continue
		}
		if n == color {
			return n
		}
		have, ok := RGB(n)
		d := 1 << 30
		if known && ok {
			d = 0
			for i := range have {
				d += (have[i] - want[i]) * (have[i] - want[i])
			}
		}
		if best == "" || d < dist {
			best, dist = n, d
		}
	}
	return best
}
