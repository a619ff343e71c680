-- What was compared is an application as it was at a version. A mark without one is of before, and holds for nothing.
alter table coverage add column version int not null default 0;
alter table coverage alter column version drop default;
