package onedrive

import (
	"strconv"
	"time"

	"github.com/rialto-migrate/rialto/connector"
)

const (
	kindOrganisation = "organisation"
	kindPersonal     = "personal"

	standardUnits  = 1200 // of the smallest tenants
	standardSettle = time.Minute
)

// A config is what the settings say.
type config struct {
	kind   string
	units  int
	settle time.Duration
}

func parseConfig(s connector.Settings) (config, error) {
	c := config{kind: kindOrganisation, units: standardUnits, settle: standardSettle}
	var err error
	if v := s[setKind]; v != "" {
		if c.kind = v; v != kindOrganisation && v != kindPersonal {
			return config{kind: kindOrganisation, units: standardUnits, settle: standardSettle}, wrong(setKind, "organisation or personal")
		}
	}
	if v := s[setUnits]; v != "" {
		if c.units, err = strconv.Atoi(v); err != nil || c.units < 1 {
			c.units = standardUnits
			return c, wrong(setUnits, "a number, such as 1200")
		}
	}
	if v := s[setSettle]; v != "" {
		if c.settle, err = time.ParseDuration(v); err != nil || c.settle < 0 {
			c.settle = standardSettle
			return c, wrong(setSettle, "a time, such as 60s")
		}
	}
	return c, nil
}

func wrong(setting, want string) *connector.Error {
	return connector.Errorf(connector.Permanent, "the setting %s cannot be read", setting).WithHint("set it to " + want)
}
