package flight

const MaxIdle = maxIdle

// Idle is how many goroutines wait for work.
func (c *Crew) Idle() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.idle)
}
