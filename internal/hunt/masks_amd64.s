#include "textflag.h"

// Each constant is 32 times one byte.

DATA c_fold<>+0(SB)/8, $0x2020202020202020
DATA c_fold<>+8(SB)/8, $0x2020202020202020
DATA c_fold<>+16(SB)/8, $0x2020202020202020
DATA c_fold<>+24(SB)/8, $0x2020202020202020
GLOBL c_fold<>(SB), RODATA|NOPTR, $32

DATA c_a<>+0(SB)/8, $0x6161616161616161
DATA c_a<>+8(SB)/8, $0x6161616161616161
DATA c_a<>+16(SB)/8, $0x6161616161616161
DATA c_a<>+24(SB)/8, $0x6161616161616161
GLOBL c_a<>(SB), RODATA|NOPTR, $32

DATA c_z<>+0(SB)/8, $0x1919191919191919
DATA c_z<>+8(SB)/8, $0x1919191919191919
DATA c_z<>+16(SB)/8, $0x1919191919191919
DATA c_z<>+24(SB)/8, $0x1919191919191919
GLOBL c_z<>(SB), RODATA|NOPTR, $32

DATA c_zero<>+0(SB)/8, $0x3030303030303030
DATA c_zero<>+8(SB)/8, $0x3030303030303030
DATA c_zero<>+16(SB)/8, $0x3030303030303030
DATA c_zero<>+24(SB)/8, $0x3030303030303030
GLOBL c_zero<>(SB), RODATA|NOPTR, $32

DATA c_nine<>+0(SB)/8, $0x0909090909090909
DATA c_nine<>+8(SB)/8, $0x0909090909090909
DATA c_nine<>+16(SB)/8, $0x0909090909090909
DATA c_nine<>+24(SB)/8, $0x0909090909090909
GLOBL c_nine<>(SB), RODATA|NOPTR, $32

DATA c_dot<>+0(SB)/8, $0x2e2e2e2e2e2e2e2e
DATA c_dot<>+8(SB)/8, $0x2e2e2e2e2e2e2e2e
DATA c_dot<>+16(SB)/8, $0x2e2e2e2e2e2e2e2e
DATA c_dot<>+24(SB)/8, $0x2e2e2e2e2e2e2e2e
GLOBL c_dot<>(SB), RODATA|NOPTR, $32

DATA c_hyphen<>+0(SB)/8, $0x2d2d2d2d2d2d2d2d
DATA c_hyphen<>+8(SB)/8, $0x2d2d2d2d2d2d2d2d
DATA c_hyphen<>+16(SB)/8, $0x2d2d2d2d2d2d2d2d
DATA c_hyphen<>+24(SB)/8, $0x2d2d2d2d2d2d2d2d
GLOBL c_hyphen<>(SB), RODATA|NOPTR, $32

DATA c_underscore<>+0(SB)/8, $0x5f5f5f5f5f5f5f5f
DATA c_underscore<>+8(SB)/8, $0x5f5f5f5f5f5f5f5f
DATA c_underscore<>+16(SB)/8, $0x5f5f5f5f5f5f5f5f
DATA c_underscore<>+24(SB)/8, $0x5f5f5f5f5f5f5f5f
GLOBL c_underscore<>(SB), RODATA|NOPTR, $32

DATA c_colon<>+0(SB)/8, $0x3a3a3a3a3a3a3a3a
DATA c_colon<>+8(SB)/8, $0x3a3a3a3a3a3a3a3a
DATA c_colon<>+16(SB)/8, $0x3a3a3a3a3a3a3a3a
DATA c_colon<>+24(SB)/8, $0x3a3a3a3a3a3a3a3a
GLOBL c_colon<>(SB), RODATA|NOPTR, $32

DATA c_equals<>+0(SB)/8, $0x3d3d3d3d3d3d3d3d
DATA c_equals<>+8(SB)/8, $0x3d3d3d3d3d3d3d3d
DATA c_equals<>+16(SB)/8, $0x3d3d3d3d3d3d3d3d
DATA c_equals<>+24(SB)/8, $0x3d3d3d3d3d3d3d3d
GLOBL c_equals<>(SB), RODATA|NOPTR, $32

DATA c_percent<>+0(SB)/8, $0x2525252525252525
DATA c_percent<>+8(SB)/8, $0x2525252525252525
DATA c_percent<>+16(SB)/8, $0x2525252525252525
DATA c_percent<>+24(SB)/8, $0x2525252525252525
GLOBL c_percent<>(SB), RODATA|NOPTR, $32

DATA c_backslash<>+0(SB)/8, $0x5c5c5c5c5c5c5c5c
DATA c_backslash<>+8(SB)/8, $0x5c5c5c5c5c5c5c5c
DATA c_backslash<>+16(SB)/8, $0x5c5c5c5c5c5c5c5c
DATA c_backslash<>+24(SB)/8, $0x5c5c5c5c5c5c5c5c
GLOBL c_backslash<>(SB), RODATA|NOPTR, $32

DATA c_square<>+0(SB)/8, $0x5b5b5b5b5b5b5b5b
DATA c_square<>+8(SB)/8, $0x5b5b5b5b5b5b5b5b
DATA c_square<>+16(SB)/8, $0x5b5b5b5b5b5b5b5b
DATA c_square<>+24(SB)/8, $0x5b5b5b5b5b5b5b5b
GLOBL c_square<>(SB), RODATA|NOPTR, $32

DATA c_round<>+0(SB)/8, $0x2828282828282828
DATA c_round<>+8(SB)/8, $0x2828282828282828
DATA c_round<>+16(SB)/8, $0x2828282828282828
DATA c_round<>+24(SB)/8, $0x2828282828282828
GLOBL c_round<>(SB), RODATA|NOPTR, $32

DATA c_curly<>+0(SB)/8, $0x7b7b7b7b7b7b7b7b
DATA c_curly<>+8(SB)/8, $0x7b7b7b7b7b7b7b7b
DATA c_curly<>+16(SB)/8, $0x7b7b7b7b7b7b7b7b
DATA c_curly<>+24(SB)/8, $0x7b7b7b7b7b7b7b7b
GLOBL c_curly<>(SB), RODATA|NOPTR, $32

// HALF looks at the 32 bytes in Y0 and leaves: in R8 the bytes of words, R9 dots, R10 colons, R11 equals, R12 joiners,
// R13 odd bytes, AX digits, one bit each.
#define HALF \
	VPOR Y0, Y15, Y1; \
	VPSUBB Y14, Y1, Y1; \
	VPMINUB Y1, Y13, Y2; \
	VPCMPEQB Y1, Y2, Y1; \
	VPSUBB Y12, Y0, Y2; \
	VPMINUB Y2, Y11, Y3; \
	VPCMPEQB Y2, Y3, Y2; \
	VPMOVMSKB Y2, AX; \
	VPOR Y1, Y2, Y1; \
	VPCMPEQB Y0, Y10, Y2; \
	VPMOVMSKB Y2, R9; \
	VPOR Y1, Y2, Y1; \
	VPCMPEQB Y0, Y9, Y2; \
	VPCMPEQB Y0, Y8, Y3; \
	VPOR Y2, Y3, Y2; \
	VPMOVMSKB Y2, R12; \
	VPOR Y1, Y2, Y1; \
	VPOR Y1, Y0, Y1; \
	VPMOVMSKB Y1, R8; \
	VPCMPEQB c_colon<>(SB), Y0, Y1; \
	VPMOVMSKB Y1, R10; \
	VPCMPEQB c_equals<>(SB), Y0, Y1; \
	VPMOVMSKB Y1, R11; \
	VPCMPEQB Y0, Y7, Y1; \
	VPCMPEQB Y0, Y6, Y2; \
	VPOR Y1, Y2, Y1; \
	VPCMPEQB Y0, Y5, Y2; \
	VPOR Y1, Y2, Y1; \
	VPCMPEQB Y0, Y4, Y2; \
	VPOR Y1, Y2, Y1; \
	VPCMPEQB c_curly<>(SB), Y0, Y2; \
	VPOR Y1, Y2, Y1; \
	VPOR Y1, Y0, Y1; \
	VPMOVMSKB Y1, R13

// func classifyAVX2(b *byte, out *masks, n int)
TEXT ·classifyAVX2(SB), NOSPLIT, $0-24
	MOVQ b+0(FP), SI
	MOVQ out+8(FP), DI
	MOVQ n+16(FP), CX

	VMOVDQU c_fold<>(SB), Y15
	VMOVDQU c_a<>(SB), Y14
	VMOVDQU c_z<>(SB), Y13
	VMOVDQU c_zero<>(SB), Y12
	VMOVDQU c_nine<>(SB), Y11
	VMOVDQU c_dot<>(SB), Y10
	VMOVDQU c_hyphen<>(SB), Y9
	VMOVDQU c_underscore<>(SB), Y8
	VMOVDQU c_percent<>(SB), Y7
	VMOVDQU c_backslash<>(SB), Y6
	VMOVDQU c_square<>(SB), Y5
	VMOVDQU c_round<>(SB), Y4

loop:
	VMOVDQU (SI), Y0
	HALF
	MOVL R8, 0(DI)
	MOVL R9, 8(DI)
	MOVL R10, 16(DI)
	MOVL R11, 24(DI)
	MOVL R12, 32(DI)
	MOVL R13, 40(DI)
	MOVL AX, 48(DI)
	VMOVDQU 32(SI), Y0
	HALF
	MOVL R8, 4(DI)
	MOVL R9, 12(DI)
	MOVL R10, 20(DI)
	MOVL R11, 28(DI)
	MOVL R12, 36(DI)
	MOVL R13, 44(DI)
	MOVL AX, 52(DI)
	ADDQ $64, SI
	ADDQ $56, DI
	DECQ CX
	JNE  loop
	VZEROUPPER
	RET
