package hunt

import "golang.org/x/sys/cpu"

var haveAVX2 = cpu.X86.HasAVX2

// classify is classifyGo, with AVX2 where the processor has it.
func classify(b []byte, out []masks) {
	if !haveAVX2 || len(out) == 0 {
		classifyGo(b, out)
		return
	}
	_ = b[len(out)*group-1]
	classifyAVX2(&b[0], &out[0], len(out))
}

// classifyAVX2 fills n masks from n groups of bytes.
//
//go:noescape
func classifyAVX2(b *byte, out *masks, n int)
