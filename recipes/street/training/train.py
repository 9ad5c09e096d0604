"""Trains the street network and writes street.onnx, curve.csv and figures.json. See README.md beside this file."""
import argparse
import copy
import csv
import json
import math
import pathlib
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import onnx
import torch
from torch.nn import functional as F

from network import Exported, Street

HERE = pathlib.Path(__file__).resolve().parent
WIDTH, HEIGHT, PAD = 320, 192, 114
MOST_OBJECTS = 48


def load(folder, split):
    truth = json.loads((folder / f"{split}.json").read_text())
    height, width = truth["height"], truth["width"]
    pixels = np.memmap(folder / f"{split}.rgb", np.uint8, "r").reshape(-1, height, width, 3)
    objects = [
        np.array([[*item["box"], item["class"], item["ignore"]] for item in frame], np.float32).reshape(-1, 6)
        for frame in truth["truth"]
    ]
    return pixels, objects, truth["labels"]


def letterbox(picture):
    top = (HEIGHT - picture.shape[0]) // 2
    padded = np.full((HEIGHT, WIDTH, 3), PAD, np.uint8)
    padded[top : top + picture.shape[0]] = picture
    return padded, top


def augment(picture, objects, random):
    """Flips, zooms, shifts and recolours one letterboxed picture."""
    objects = objects.copy()
    if random.random() < 0.5:
        picture = picture[:, ::-1]
        objects[:, [0, 2]] = WIDTH - objects[:, [2, 0]]
    if random.random() < 0.6:
        zoom = random.uniform(0.75, 1.3)
        left, top = (random.uniform(-0.12, 0.12) + (1 - 1 / zoom) / 2 for _ in range(2))
        columns = np.floor((left + (np.arange(WIDTH) + 0.5) / WIDTH / zoom) * WIDTH).astype(int)
        rows = np.floor((top + (np.arange(HEIGHT) + 0.5) / HEIGHT / zoom) * HEIGHT).astype(int)
        inside = ((rows >= 0) & (rows < HEIGHT))[:, None] & ((columns >= 0) & (columns < WIDTH))[None]
        picture = np.where(inside[..., None], picture[rows.clip(0, HEIGHT - 1)][:, columns.clip(0, WIDTH - 1)], PAD)
        whole = (objects[:, 2] - objects[:, 0]) * (objects[:, 3] - objects[:, 1])
        objects[:, [0, 2]] = ((objects[:, [0, 2]] / WIDTH - left) * zoom * WIDTH).clip(0, WIDTH)
        objects[:, [1, 3]] = ((objects[:, [1, 3]] / HEIGHT - top) * zoom * HEIGHT).clip(0, HEIGHT)
        left_over = (objects[:, 2] - objects[:, 0]) * (objects[:, 3] - objects[:, 1]) / np.maximum(whole * zoom * zoom, 1e-6)
        objects[left_over < 0.4, 5] = 1
        objects = objects[left_over > 0.02]
    picture = picture.astype(np.float32)
    picture = (picture - 128) * random.uniform(0.8, 1.2) + 128 + random.uniform(-20, 20)
    picture *= random.uniform(0.93, 1.07, 3)
    if random.random() < 0.5:
        picture += random.normal(0, random.uniform(0, 6), picture.shape)
    return picture.clip(0, 255).astype(np.uint8), objects


def batches(pixels, objects, size, seed):
    random = np.random.default_rng(seed)
    while True:
        order = random.permutation(len(objects))
        for start in range(0, len(order) - size + 1, size):
            images = np.empty((size, HEIGHT, WIDTH, 3), np.uint8)
            truth = np.zeros((size, MOST_OBJECTS, 6), np.float32)
            truth[..., 4] = -1
            for slot, index in enumerate(order[start : start + size]):
                picture, top = letterbox(pixels[index])
                boxes = objects[index] + np.array([0, top, 0, top, 0, 0], np.float32)
                images[slot], boxes = augment(picture, boxes, random)
                boxes = boxes[:MOST_OBJECTS]
                truth[slot, : len(boxes)] = boxes
            truth = truth[:, : max(1, int((truth[..., 4] >= 0).sum(1).max()))]
            yield torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255, torch.from_numpy(truth)


def ahead(feed):
    """The same batches, each made in a thread while the step before it runs."""
    with ThreadPoolExecutor(1) as worker:
        pending = worker.submit(next, feed)
        while True:
            batch = pending.result()
            pending = worker.submit(next, feed)
            yield batch


def overlaps(a, b):
    """IoU of boxes that are already broadcast against each other, and their generalised IoU."""
    start, end = torch.max(a[..., :2], b[..., :2]), torch.min(a[..., 2:], b[..., 2:])
    shared = (end - start).clamp(min=0).prod(-1)
    area = lambda box: (box[..., 2:] - box[..., :2]).clamp(min=0).prod(-1)
    union = area(a) + area(b) - shared + 1e-6
    hull = (torch.max(a[..., 2:], b[..., 2:]) - torch.min(a[..., :2], b[..., :2])).clamp(min=0).prod(-1) + 1e-6
    iou = shared / union
    return iou, iou - (hull - union) / hull


@torch.no_grad()
def assign(network, boxes, logits, truth, most=8):
    """Task-aligned assignment (TOOD, Feng et al. 2021), as YOLOv8 does it: each object takes the cells inside it whose
    score and box fit it best."""
    labels = truth[..., 4].long()
    real = (labels >= 0) & (truth[..., 5] == 0)
    centres = network.centres
    corners = truth[:, :, None, :4]
    # A thing smaller than a cell may hold no cell centre: let it reach one stride of the finest level.
    middle, half = (corners[..., :2] + corners[..., 2:]) / 2, (corners[..., 2:] - corners[..., :2]) / 2
    inside = ((centres - middle).abs() < half.clamp(min=6)).all(-1) & real[..., None]
    iou, _ = overlaps(corners, boxes[:, None])
    score = logits.sigmoid().gather(2, labels.clamp(min=0)[:, None].expand(-1, boxes.shape[1], -1)).transpose(1, 2)
    fit = (score + 1e-4).sqrt() * (iou + 1e-3).pow(6) * inside
    best, at = fit.topk(most, -1)
    chosen = torch.zeros_like(fit).scatter_(2, at, (best > 0).float()) * inside
    fit = fit * chosen
    strongest, owner = fit.max(1)
    positive = strongest > 0
    # The best cell of an object is to score the object's best IoU, the others in proportion.
    top_fit = fit.amax(2, keepdim=True).clamp(min=1e-12)
    top_iou = (iou * chosen).amax(2, keepdim=True)
    quality = (fit / top_fit * top_iou).gather(1, owner[:, None])[:, 0] * positive
    hidden = (labels >= 0) & (truth[..., 5] == 1)
    unknown = (((centres - middle).abs() < half).all(-1) & hidden[..., None]).any(1) & ~positive
    return positive, owner, quality, unknown


def loss_of(network, images, truth):
    boxes, logits = network(images)
    positive, owner, quality, unknown = assign(network, boxes, logits, truth)
    target = torch.zeros_like(logits)
    wanted = truth.gather(1, owner[..., None].expand(-1, -1, 6))
    target.scatter_(2, wanted[..., 4:5].long().clamp(min=0), quality[..., None])
    scores = F.binary_cross_entropy_with_logits(logits, target, reduction="none") * ~unknown[..., None]
    total = quality.sum().clamp(min=1)
    _, giou = overlaps(boxes[positive], wanted[..., :4][positive])
    box_loss = ((1 - giou) * quality[positive]).sum() / total
    return scores.sum() / total + 2.5 * box_loss, box_loss


def suppress(boxes, scores, limit=0.5):
    keep, order = [], np.argsort(-scores)
    area = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    while len(order):
        first, order = order[0], order[1:]
        keep.append(first)
        sides = np.minimum(boxes[first, 2:], boxes[order, 2:]) - np.maximum(boxes[first, :2], boxes[order, :2])
        shared = sides.clip(0).prod(1)
        order = order[shared / (area[first] + area[order] - shared + 1e-9) <= limit]
    return keep


@torch.no_grad()
def mean_average_precision(network, pixels, objects, classes, count):
    """AP at IoU 0.5 of each class, over all points of the curve. Ignored truth counts neither way."""
    network.eval()
    found, totals = [[] for _ in range(classes)], [0] * classes
    for start in range(0, count, 25):
        letterboxed = [letterbox(picture) for picture in pixels[start : min(start + 25, count)]]
        images = torch.from_numpy(np.stack([picture for picture, _ in letterboxed])).permute(0, 3, 1, 2).float() / 255
        boxes, logits = network(images)
        for offset, (frame_boxes, scores) in enumerate(zip(boxes.numpy(), logits.sigmoid().numpy())):
            truth = objects[start + offset] + np.array([0, letterboxed[offset][1]] * 2 + [0, 0], np.float32)
            for label in range(classes):
                own = truth[truth[:, 4] == label]
                totals[label] += int((own[:, 5] == 0).sum())
                likely = scores[:, label] > 0.02
                candidates, confidence = frame_boxes[likely], scores[likely, label]
                taken = np.zeros(len(own), bool)
                for pick in suppress(candidates, confidence):
                    box, best, at = candidates[pick], 0.5, -1
                    for index, other in enumerate(own):
                        side = np.minimum(box[2:], other[2:4]) - np.maximum(box[:2], other[:2])
                        shared = side.clip(0).prod()
                        iou = shared / ((box[2:] - box[:2]).prod() + (other[2:4] - other[:2]).prod() - shared)
                        if not taken[index] and iou >= best:
                            best, at = iou, index
                    if at >= 0:
                        taken[at] = True
                    if at < 0 or own[at, 5] == 0:
                        found[label].append((confidence[pick], at >= 0))
    precisions = []
    for hits, total in zip(found, totals):
        hits = np.array([hit for _, hit in sorted(hits, key=lambda item: -item[0])], np.float64)
        precision = np.maximum.accumulate((hits.cumsum() / np.arange(1, len(hits) + 1))[::-1])[::-1]
        precisions.append(float((precision * hits).sum() / max(total, 1)))
    return precisions


def export(network, labels, path):
    torch.onnx.export(
        Exported(network).eval(), torch.zeros(1, 3, HEIGHT, WIDTH), str(path), opset_version=12, input_names=["images"], output_names=["output0"]
    )
    model = onnx.load(str(path))
    for key, value in {
        "names": str(dict(enumerate(labels))),
        "task": "detect",
        "stride": "32",
        "imgsz": str([HEIGHT, WIDTH]),
        "description": "EdgeFlow street: trained by the project on pictures drawn by the project",
        "license": "Apache-2.0",
    }.items():
        item = model.metadata_props.add()
        item.key, item.value = key, value
    onnx.checker.check_model(model)
    onnx.save(model, str(path))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=pathlib.Path)
    parser.add_argument("--output", type=pathlib.Path, default=HERE.parent / "street.onnx")
    parser.add_argument("--curve", type=pathlib.Path, default=HERE / "curve.csv")
    parser.add_argument("--minutes", type=float, default=20, help="training stops here; the learning rate follows this clock")
    parser.add_argument("--steps", type=int, default=0, help="stop after so many steps instead; this is what repeats exactly")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--rate", type=float, default=3e-3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--check-every", type=int, default=500)
    options = parser.parse_args()

    torch.manual_seed(options.seed)
    pixels, objects, labels = load(options.data, "train")
    check_pixels, check_objects, _ = load(options.data, "validation")
    network = Street(len(labels), HEIGHT, WIDTH)
    print("parameters", sum(parameter.numel() for parameter in network.parameters()), flush=True)
    average = copy.deepcopy(network)
    optimiser = torch.optim.AdamW(network.parameters(), options.rate, weight_decay=5e-3)
    rows, started, step, progress, running = [], time.time(), 0, 0.0, []
    feed = ahead(batches(pixels, objects, options.batch, options.seed))
    while progress < 1:
        progress = (step + 1) / options.steps if options.steps else (time.time() - started) / 60 / options.minutes
        rate = options.rate * min(1, (step + 1) / 200) * (0.5 + 0.5 * math.cos(math.pi * min(1, progress)) + 0.01)
        for group in optimiser.param_groups:
            group["lr"] = rate
        network.train()
        images, truth = next(feed)
        loss, box_loss = loss_of(network, images, truth)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 10.0)
        optimiser.step()
        step += 1
        running.append((loss.item(), box_loss.item()))
        decay = 0.998 * (1 - math.exp(-step / 300))
        with torch.no_grad():
            for kept, fresh in zip(average.state_dict().values(), network.state_dict().values()):
                kept.mul_(decay).add_(fresh, alpha=1 - decay) if kept.dtype.is_floating_point else kept.copy_(fresh)
        if step % 100 == 0:
            recent = np.mean(running[-100:], 0)
            print(f"{step} {time.time() - started:.0f}s loss {recent[0]:.3f} box {recent[1]:.3f} rate {rate:.5f}", flush=True)
        if step % options.check_every == 0 or progress >= 1:
            precisions = mean_average_precision(average, check_pixels, check_objects, len(labels), len(check_objects) if progress >= 1 else min(150, len(check_objects)))
            recent = np.mean(running[-options.check_every :], 0)
            rows.append([step, round(time.time() - started), *np.round([*recent, np.mean(precisions), *precisions], 4)])
            print("mAP@0.5", rows[-1], flush=True)
            with open(options.curve, "w", newline="") as file:
                writer = csv.writer(file)
                writer.writerow(["step", "seconds", "loss", "box_loss", "map50", *labels])
                writer.writerows(rows)
            export(average, labels, options.output)
    print(f"{step} steps of {options.batch} in {time.time() - started:.0f} s", flush=True)


if __name__ == "__main__":
    main()
