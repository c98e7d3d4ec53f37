package flight

const MaxIdle = maxIdle

// Idle is how many goroutines wait for a call to make.
func (g *Group[K, V]) Idle() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.idle)
}
