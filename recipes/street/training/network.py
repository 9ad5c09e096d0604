"""A small anchor-free detector in the shape of YOLOv8: three strides, one box and one score a class in each cell."""
import torch
from torch import nn
from torch.nn import functional as F

STRIDES = (8, 16, 32)


def conv(inputs, outputs, size=3, stride=1):
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, size, stride, size // 2, bias=False),
        nn.BatchNorm2d(outputs, eps=1e-3, momentum=0.03),
        nn.ReLU(inplace=True),
    )


class Block(nn.Module):
    """A residual block that squeezes its channels to half in between."""

    def __init__(self, channels):
        super().__init__()
        self.squeeze = conv(channels, channels // 2, 1)
        self.expand = conv(channels // 2, channels, 3)

    def forward(self, x):
        return x + self.expand(self.squeeze(x))


class Street(nn.Module):
    def __init__(self, classes, height, width):
        super().__init__()
        self.stem = nn.Sequential(conv(3, 12, 3, 2), conv(12, 24, 3, 2), Block(24))
        self.stage8 = nn.Sequential(conv(24, 36, 3, 2), Block(36), Block(36))
        self.stage16 = nn.Sequential(conv(36, 48, 3, 2), Block(48), Block(48))
        self.stage32 = nn.Sequential(conv(48, 56, 3, 2), Block(56), Block(56))
        self.down16 = conv(56 + 48, 36, 1)
        self.down8 = conv(36 + 36, 36, 1)
        self.mix16 = Block(36)
        self.mix8 = Block(36)
        self.heads = nn.ModuleList(
            nn.ModuleList([conv(inputs, 32, 3), nn.Conv2d(32, 4, 1), nn.Conv2d(32, classes, 1)]) for inputs in (36, 36, 56)
        )
        for _, box, score in self.heads:
            nn.init.constant_(box.bias, 0.7)
            nn.init.constant_(score.bias, -4.6)
        centres, strides = [], []
        for stride in STRIDES:
            ys, xs = torch.meshgrid(torch.arange(height // stride), torch.arange(width // stride), indexing="ij")
            centres.append((torch.stack([xs, ys], -1).reshape(-1, 2) + 0.5) * stride)
            strides.append(torch.full((xs.numel(),), float(stride)))
        self.register_buffer("centres", torch.cat(centres), persistent=False)
        self.register_buffer("strides", torch.cat(strides), persistent=False)

    def forward(self, x):
        """Returns boxes [B, N, 4] (x1, y1, x2, y2 in input pixels) and class logits [B, N, classes]."""
        p8 = self.stage8(self.stem(x))
        p16 = self.stage16(p8)
        p32 = self.stage32(p16)
        f16 = self.mix16(self.down16(torch.cat([F.interpolate(p32, scale_factor=2.0), p16], 1)))
        f8 = self.mix8(self.down8(torch.cat([F.interpolate(f16, scale_factor=2.0), p8], 1)))
        boxes, scores = [], []
        for (trunk, box, score), feature in zip(self.heads, (f8, f16, p32)):
            feature = trunk(feature)
            boxes.append(box(feature).flatten(2))
            scores.append(score(feature).flatten(2))
        reach = F.softplus(torch.cat(boxes, 2)).transpose(1, 2) * self.strides[:, None]
        corners = torch.cat([self.centres - reach[..., :2], self.centres + reach[..., 2:]], -1)
        return corners, torch.cat(scores, 2).transpose(1, 2)


class Exported(nn.Module):
    """What goes into the ONNX file: YOLOv8's output [B, 4 + classes, N], decoded, scores through the sigmoid."""

    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, images):
        boxes, logits = self.network(images)
        start, end = boxes[..., :2], boxes[..., 2:]
        return torch.cat([(start + end) / 2, end - start, logits.sigmoid()], -1).transpose(1, 2)
