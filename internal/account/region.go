package account

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"golang.org/x/text/language"
	"golang.org/x/text/language/display"
)

// A Region is a place where data is kept.
type Region struct {
	Name     string  `yaml:"name"`  // "westeurope"
	Title    string  `yaml:"title"` // "Western Europe (Netherlands)"
	Lat, Lon float64 // degrees; north and east are positive
	// Countries are those that get this region, by ISO 3166-1 alpha-2, whichever is
	// nearest.
	Countries []string `yaml:"countries"`
}

// DefaultRegions are Microsoft Azure's East US in Virginia and West Europe in the
// Netherlands (https://learn.microsoft.com/azure/reliability/regions-list).
func DefaultRegions() []Region {
	return []Region{
		{Name: "eastus", Title: "East US (Virginia)", Lat: 37.4, Lon: -79.8},
		{Name: "westeurope", Title: "Western Europe (Netherlands)", Lat: 52.4, Lon: 4.9},
	}
}

// subregions are those of the United Nations' M49 standard, each with a point in the middle of
// where its people live.
func subregions() map[string][2]float64 {
	return map[string][2]float64{
		"015": {30, 10}, "011": {9, 2}, "017": {0, 18}, "014": {-3, 36}, "018": {-28, 26}, // Africa
		"021": {39, -95}, "013": {18, -97}, "029": {19, -72}, "005": {-15, -58}, // the Americas
		"143": {43, 67}, "030": {34, 115}, "035": {5, 108}, "034": {22, 78}, "145": {35, 42}, // Asia
		"151": {52, 30}, "154": {58, 12}, "039": {42, 12}, "155": {49, 6}, // Europe
		"053": {-33, 147}, "054": {-9, 155}, "057": {10, 155}, "061": {-15, -170}, // Oceania
	}
}

// A Country may be chosen at sign-up.
type Country struct {
	Code, Name string
	Region     Region // where the data of an organisation from there is kept
	Km         int    // about so far away
}

// Regions chooses where an organisation's data is kept: as near to its part of the
// world as can be had. It is safe for concurrent use.
type Regions struct {
	all       []Region
	countries []Country
}

// NewRegions makes Regions of at least one.
func NewRegions(all []Region) (*Regions, error) {
	if len(all) == 0 {
		return nil, fmt.Errorf("there is no region to keep data in; configure one")
	}
	names := map[string]bool{}
	for _, r := range all {
		switch {
		case r.Name == "" || r.Title == "" || names[r.Name]:
			return nil, fmt.Errorf("a region needs a name of its own and a title; %q has not", r.Name)
		case math.Abs(r.Lat) > 90 || math.Abs(r.Lon) > 180:
			return nil, fmt.Errorf("the region %q lies at %g, %g, which is nowhere", r.Name, r.Lat, r.Lon)
		}
		names[r.Name] = true
	}
	out := &Regions{all: all}
	points := subregions()
	namer := display.English.Regions()
	for a := 'A'; a <= 'Z'; a++ {
		for b := 'A'; b <= 'Z'; b++ {
			code := string(a) + string(b)
			country, err := language.ParseRegion(code)
			if err != nil || !country.IsCountry() || country.Canonicalize().String() != code {
				continue
			}
			for sub, at := range points {
				if !language.MustParseRegion(sub).Contains(country) {
					continue
				}
				c := Country{Code: code, Name: namer.Name(country), Km: math.MaxInt}
				for _, r := range all {
					km := distance(at[0], at[1], r.Lat, r.Lon)
					if km < c.Km {
						c.Region, c.Km = r, km
					}
				}
				for _, r := range all {
					if slices.Contains(r.Countries, code) {
						c.Region, c.Km = r, distance(at[0], at[1], r.Lat, r.Lon)
					}
				}
				out.countries = append(out.countries, c)
			}
		}
	}
	slices.SortFunc(out.countries, func(a, b Country) int { return cmp.Compare(a.Name, b.Name) })
	return out, nil
}

// Countries are all that may be chosen, by name.
func (r *Regions) Countries() []Country { return r.countries }

// Country finds one by its code.
func (r *Regions) Country(code string) (Country, bool) {
	i := slices.IndexFunc(r.countries, func(c Country) bool { return c.Code == code })
	if i < 0 {
		return Country{}, false
	}
	return r.countries[i], true
}

// Region finds a region by its name; one that is no longer configured has its name
// alone.
func (r *Regions) Region(name string) Region {
	for _, reg := range r.all {
		if reg.Name == name {
			return reg
		}
	}
	return Region{Name: name, Title: name}
}

// distance is that of two points on the globe, in kilometres.
func distance(lat1, lon1, lat2, lon2 float64) int {
	const radius, degree = 6371, math.Pi / 180
	lat1, lon1, lat2, lon2 = lat1*degree, lon1*degree, lat2*degree, lon2*degree
	h := math.Pow(math.Sin((lat2-lat1)/2), 2) + math.Cos(lat1)*math.Cos(lat2)*math.Pow(math.Sin((lon2-lon1)/2), 2)
	return int(2 * radius * math.Asin(math.Sqrt(h)))
}
