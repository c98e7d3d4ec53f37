package flight

import "sync"

// Crew runs functions in goroutines of their own, like the go statement. One
// that has run a function runs the next, on a stack that has grown already,
// which for short work costs less than a new one; none is left where nothing
// runs any more. The zero value is ready for use, by any number of goroutines.
// It must not be copied after the first call.
type Crew struct {
	mu      sync.Mutex
	running int             // goroutines that run a function
	idle    []chan<- func() // of goroutines that wait for one
}

// maxIdle bounds the goroutines that wait for work.
const maxIdle = 256

// Go runs f at once.
func (c *Crew) Go(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.running++
	last := len(c.idle) - 1
	if last < 0 {
		go c.run(f)
		return
	}
	next := c.idle[last]
	c.idle = c.idle[:last]
	next <- f // has room: its goroutine waits
}

func (c *Crew) run(f func()) {
	more := make(chan func(), 1)
	for ok := true; ok; {
		f()
		f = nil // nothing is held while waiting
		c.rest(more)
		f, ok = <-more
	}
}

// rest notes a goroutine that has run its function. Where it is not to wait for
// another one its channel is closed, and with the last one those of all who
// wait.
func (c *Crew) rest(more chan<- func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.running--; c.running > 0 && len(c.idle) < maxIdle {
		c.idle = append(c.idle, more)
		return
	}
	close(more)
	if c.running == 0 {
		for _, w := range c.idle {
			close(w)
		}
		c.idle = nil
	}
}
