package score

// verdict is Internet.nl's status and verdict of a category. They follow from
// the statuses of the checks, not from the points, so that 100 % and "failed"
// can go together.
func (rule *CategoryRule) verdict(checks []Check, lines []line) (Status, string) {
	var count [Passed + 1]int
	mandatory, optional := false, false
	for i, c := range checks {
		switch c.Worst {
		case Failed:
			mandatory = true
		case Warning:
			optional = true
		}
		exempt := lines[i].row.NotMandatory
		if exempt {
			mandatory = false
		}
		count[c.Status]++
		// What was not tested is as bad as it can be.
		if c.Status == NotTested && !exempt {
			count[c.Worst]++
		}
	}
	status := Passed
	switch {
	case count[Error] > 0:
		status = Error
	case count[Failed] > 0:
		status = Failed
	case count[Warning] > 0 && !mandatory:
		status = Warning
	case count[Info] > 0 && !mandatory && !optional:
		status = Info
	}
	if rule.Lead == "" {
		return status, status.String()
	}
	for _, c := range checks {
		if c.ID != rule.Lead {
			continue
		}
		if count[NotTested] >= len(checks)-1 {
			if status = c.Status; status == NotTested {
				status = Info
			}
		}
		if v, ok := rule.LeadVerdicts[c.Verdict]; ok {
			return status, v
		}
	}
	return status, status.String()
}
