//go:build gc

#include "textflag.h"

// func walk(seed, limit uint64) (hash uint64, last uintptr)
TEXT ·walk(SB), NOSPLIT|NOFRAME, $0-32
	MOVQ	(TLS), R8		// g
	MOVQ	0(R8), R9		// g.stack.lo: a frame must be above it, later above the one before
	MOVQ	8(R8), R10		// g.stack.hi
	SUBQ	$16, R10		// a frame's two words must be below it
	MOVQ	BP, R11			// no frame of our own: this is the caller's
	MOVQ	seed+0(FP), CX
	MOVQ	limit+8(FP), BX
	XORL	SI, SI
	MOVQ	$0x9E3779B97F4A7C15, DI	// 2^64 / golden ratio: odd, and half of its bits set

loop:
	CMPQ	R11, R9
	JLS	done
	CMPQ	R11, R10
	JHI	done
	MOVQ	8(R11), SI		// return address
	MOVQ	R11, R9
	MOVQ	(R11), R11		// the caller's frame

	// hash = fold((hash ^ address) * DI), with the upper half of the product folded into the lower.
	// Neither waits for the next frame to be loaded, so hashing costs nearly nothing.
	MOVQ	CX, AX
	XORQ	SI, AX
	MULQ	DI
	XORQ	DX, AX
	MOVQ	AX, CX

	DECQ	BX
	JNZ	loop

done:
	MOVQ	CX, hash+16(FP)
	MOVQ	SI, last+24(FP)
	RET
