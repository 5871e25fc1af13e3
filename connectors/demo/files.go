package demo

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"math"
)

// picture draws a wheel: a small PNG, another for each number.
func picture(number int) []byte {
	const side = 160
	img := image.NewRGBA(image.Rect(0, 0, side, side))
	ground := color.RGBA{uint8(232 - 9*number), uint8(240 - 3*number), uint8(236 - 5*number), 255}
	rubber, steel := color.RGBA{38, 44, 56, 255}, color.RGBA{uint8(60 + 20*number), 130, 110, 255}
	spokes := float64(8 + 4*number)
	for y := range side {
		for x := range side {
			dx, dy := float64(x)-side/2, float64(y)-side/2
			r, turn := math.Hypot(dx, dy), math.Atan2(dy, dx)*spokes/(2*math.Pi)
			at := ground
			switch off := math.Abs(turn-math.Round(turn)) * 2 * math.Pi / spokes * r; {
			case r > 62 && r < 72:
				at = rubber
			case r < 10, r < 62 && off < 1.1:
				at = steel
			}
			img.SetRGBA(x, y, at)
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		return nil // a bytes.Buffer takes everything, and the size is a legal one
	}
	return b.Bytes()
}

func shotList() []byte {
	return []byte("nr,place,what,lens\n1,harbour,the whole bike from the side,35\n2,harbour,box open,50\n3,Bryggen,riding,85\n4,Fløyen,motor under load,85\n")
}

func torques() []byte {
	return []byte("bolt,Nm,by\nstem,6,jonas\nbox front,22,jonas\nbox rear,22,jonas\nmotor plate,25,samir\naxle rear,40,samir\n")
}
